#include "config.h"

#include "ui/ascii.h"

#include <stddef.h>

/* Each state glyph keeps a form of its own, so that states differ without colour here too. */
static const struct {
	uint32_t cp;
	char ascii;
} ascii_forms[] = {
	{ 0x25cf, '!' },	/* ● firing */
	{ 0x25d0, '?' },	/* ◐ pending */
	{ 0x25cb, '.' },	/* ○ ok */
	{ 0x25cc, 's' },	/* ◌ silenced */
	{ 0x25cd, 'i' },	/* ◍ inhibited */
	{ 0x25b2, '^' },	/* ▲ changed */
	{ 0x2026, '>' },	/* … cut */
	{ 0x00b7, '.' },	/* · */
	{ 0x2022, '*' },	/* • */
	{ 0x00a0, ' ' },
	{ 0x00b0, 'o' },	/* ° */
	{ 0x00b5, 'u' },	/* µ */
	{ 0x03bc, 'u' },	/* μ */
	{ 0x00d7, 'x' },	/* × */
	{ 0x00b1, '~' },	/* ± */
	{ 0x2248, '~' },	/* ≈ */
	{ 0x2264, '<' },	/* ≤ */
	{ 0x2265, '>' },	/* ≥ */
	{ 0x2013, '-' },	/* – */
	{ 0x2014, '-' },	/* — */
	{ 0x2018, '\'' },	/* ‘ */
	{ 0x2019, '\'' },	/* ’ */
	{ 0x201c, '"' },	/* “ */
	{ 0x201d, '"' },	/* ” */
	{ 0x2190, '<' },	/* ← */
	{ 0x2191, '^' },	/* ↑ */
	{ 0x2192, '>' },	/* → */
	{ 0x2193, 'v' },	/* ↓ */
	{ 0x25b6, '>' },	/* ▶ */
	{ 0x25b8, '>' },	/* ▸ */
	{ 0x25be, 'v' },	/* ▾ */
	{ 0x25bc, 'v' },	/* ▼ */
	{ 0x25c0, '<' },	/* ◀ */
	{ 0x25c6, '+' },	/* ◆ */
	{ 0x25a0, '#' },	/* ■ */
	{ 0x25a1, '=' },	/* □ */
	{ 0x2713, 'v' },	/* ✓ */
	{ 0x2717, 'x' },	/* ✗ */
};

static uint32_t
ascii_border(uint32_t cp)
{
	switch (cp) {
	case 0x2500: case 0x2501: case 0x2504: case 0x2505: case 0x2508: case 0x2509: case 0x254c: case 0x254d: case 0x2550:
		return '-';
	case 0x2502: case 0x2503: case 0x2506: case 0x2507: case 0x250a: case 0x250b: case 0x254e: case 0x254f: case 0x2551:
		return '|';
	default:
		return '+';
	}
}

/* Lower blocks keep their order by how much ink they have; parts of a bar count from half a cell on. */
static uint32_t
ascii_block(uint32_t cp)
{
	static const char lower[] = "_.-=+*%#";

	if (cp >= 0x2581 && cp <= 0x2588)
		return (uint32_t)lower[cp - 0x2581];
	if (cp >= 0x258d && cp <= 0x258f)
		return '.';
	return '#';
}

static uint32_t
ascii_braille(uint32_t cp)
{
	int dots = __builtin_popcount(cp & 0xff);

	return dots == 0 ? ' ' : dots <= 2 ? '.' : '*';
}

uint32_t
ascii_of(uint32_t cp)
{
	if (cp >= 0x2500 && cp <= 0x257f)
		return ascii_border(cp);
	if (cp >= 0x2580 && cp <= 0x259f)
		return ascii_block(cp);
	if (cp >= 0x2800 && cp <= 0x28ff)
		return ascii_braille(cp);
	for (size_t i = 0; i < sizeof ascii_forms / sizeof ascii_forms[0]; i++)
		if (ascii_forms[i].cp == cp)
			return (uint32_t)ascii_forms[i].ascii;
	return '?';
}
