#include "config.h"

#include "ui/term_colour.h"

#include <stdlib.h>

enum { ANSI_GREY = 8, CUBE_FIRST = 16, GREYS_FIRST = 232 };

struct rgb {
	int r, g, b;
};

static struct rgb
rgb_of(int colour)
{
	return (struct rgb){ colour >> 16 & 0xff, colour >> 8 & 0xff, colour & 0xff };
}

static int
distance(struct rgb a, struct rgb b)
{
	int dr = a.r - b.r, dg = a.g - b.g, db = a.b - b.b;

	/* Eyes weigh green most and blue least. */
	return 3 * dr * dr + 4 * dg * dg + 2 * db * db;
}

/* Source: xterm's 256colres.pl: a cube of 6 levels, then 24 greys from 8 in steps of 10. */
static int
cube_level(int v)
{
	return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

static int
to_256(int colour)
{
	static const int levels[] = { 0, 95, 135, 175, 215, 255 };
	struct rgb c = rgb_of(colour);
	int r = cube_level(c.r), g = cube_level(c.g), b = cube_level(c.b);
	int grey = ((c.r + c.g + c.b) / 3 - 3) / 10;
	struct rgb cube = { levels[r], levels[g], levels[b] }, flat;

	grey = grey < 0 ? 0 : grey > 23 ? 23 : grey;
	flat = (struct rgb){ 8 + 10 * grey, 8 + 10 * grey, 8 + 10 * grey };
	if (distance(c, flat) < distance(c, cube))
		return GREYS_FIRST + grey;
	return CUBE_FIRST + 36 * r + 6 * g + b;
}

/* The hue counts, not the nearest point: a pale red is red, not grey. */
static int
to_16(int colour)
{
	struct rgb c = rgb_of(colour);
	int max = c.r > c.g ? (c.r > c.b ? c.r : c.b) : (c.g > c.b ? c.g : c.b);
	int min = c.r < c.g ? (c.r < c.b ? c.r : c.b) : (c.g < c.b ? c.g : c.b);
	int mid = min + (max - min) * 2 / 5;

	if ((max - min) * 4 < max || max < 0x20)
		return max < 0x28 ? 0 : max < 0xa8 ? ANSI_GREY : max < 0xd8 ? 7 : 15;
	return (c.r > mid ? 1 : 0) + (c.g > mid ? 2 : 0) + (c.b > mid ? 4 : 0) + (max >= 0xc0 ? 8 : 0);
}

static int
fit(int colour, int n_colours)
{
	if (colour == COLOUR_DEFAULT || n_colours < 8)
		return -1;
	if (colour >= COLOUR_ANSI)
		return colour - COLOUR_ANSI;
	return n_colours >= 256 ? to_256(colour) : to_16(colour);
}

struct look
colour_fit(const struct look *look, int n_colours)
{
	struct look out = *look;

	out.fg = fit(look->fg, n_colours);
	out.bg = fit(look->bg, n_colours);
	if (n_colours >= 16 || n_colours < 8)
		return out;
	/* Eight colours: grey would be black, and light ones are bold. */
	if (out.fg == ANSI_GREY) {
		out.fg = -1;
		out.is_dim = true;
	} else if (out.fg > ANSI_GREY) {
		out.fg -= 8;
		out.is_bold = true;
	}
	if (out.bg == ANSI_GREY)
		out.bg = -1;
	else if (out.bg > ANSI_GREY)
		out.bg -= 8;
	return out;
}

struct look
colour_select(const struct look *look, const struct look *selected, int n_colours)
{
	struct look out = *look;

	out.is_bold |= selected->is_bold;
	out.is_dim &= !selected->is_bold;
	out.is_underline |= selected->is_underline;
	out.is_italic |= selected->is_italic;
	out.is_reverse |= selected->is_reverse || n_colours < 256;
	if (n_colours < 256)
		return out;
	if (selected->fg != COLOUR_DEFAULT)
		out.fg = selected->fg;
	if (selected->bg != COLOUR_DEFAULT)
		out.bg = selected->bg;
	return out;
}
