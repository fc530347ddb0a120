/*
 * The inside of a JSON string: which bytes stand for themselves, and what the others mean. Private
 * to jread.c; pure functions.
 */
#ifndef OPS_BASE_JREAD_TEXT_H
#define OPS_BASE_JREAD_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The longest unit, in bytes: \uD83D\uDE00. */
enum { JREAD_UNIT_MAX = 12 };

/* One escape or one character beyond ASCII. */
struct jread_unit {
	char out[4];
	size_t out_len;
	const char *expected;	/* when it is malformed */
};

/*
 * One thing in a string that is not a plain character (n > 0). Returns how many bytes it took, 0
 * when all n are right so far but more are needed, or -1 - index of the first byte that cannot be
 * right. Growing n never moves that index.
 */
int jread_unit_read(const unsigned char *p, size_t n, struct jread_unit *u);
/* The same where p[0] is beyond ASCII. */
int jread_unit_utf8(const unsigned char *p, size_t n, struct jread_unit *u);

/* The next byte that is not plain: a quote, a backslash, a control character, or one beyond
 * ASCII. */
static inline const char *
jread_skip_plain(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);

#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Signed, so that "below a blank" is true beyond ASCII too. */
		__m128i odd = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
		    _mm_cmplt_epi8(v, space));
		unsigned mask = (unsigned)_mm_movemask_epi8(odd);

		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#elif defined(__ARM_NEON) && defined(__aarch64__)
	for (; end - p >= 16; p += 16) {
		int8x16_t v = vld1q_s8((const int8_t *)p);
		uint8x16_t odd = vorrq_u8(vorrq_u8(vceqq_s8(v, vdupq_n_s8('"')), vceqq_s8(v, vdupq_n_s8('\\'))),
		    vcltq_s8(v, vdupq_n_s8(' ')));
		/* Four bits a byte: NEON has no movemask. */
		uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(odd), 4)), 0);

		if (mask != 0)
			return p + __builtin_ctzll(mask) / 4;
	}
#endif
	/* Eight at a time; a borrow may flag a byte too many but never one too few, and the loop
	 * below looks again. */
	for (; end - p >= 8; p += 8) {
		uint64_t v, q, b;

		memcpy(&v, p, sizeof v);
		q = v ^ ones * '"';
		b = v ^ ones * '\\';
		if ((((q - ones) | (b - ones) | (v - ones * ' ') | v) & highs) != 0)
			break;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80)
		p++;
	return p;
}

#endif
