/* Do two structs say the same? By the same tables of fields that write and read them. */
#include "config.h"

#include <string.h>

#include "model/codec.h"
#include "model/event.h"

#define AT(p, type, offset) (*(const type *)((const char *)(p) + (offset)))

static bool
texts_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
strings_equal(const struct strings *a, const struct strings *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!texts_equal(a->v[i], b->v[i]))
			return false;
	return true;
}

/* A number that is none is equal to itself here. */
static bool
doubles_equal(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

static bool
lists_equal(const struct field *f, const void *a, const void *b)
{
	size_t n = AT(a, size_t, f->n_offset);
	const char *v_a, *v_b;

	if (n != AT(b, size_t, f->n_offset))
		return false;
	/* Copied, as they are pointers to a struct that this function does not know. */
	memcpy(&v_a, (const char *)a + f->offset, sizeof v_a);
	memcpy(&v_b, (const char *)b + f->offset, sizeof v_b);
	for (size_t i = 0; i < n; i++)
		if (!codec_equal(f->sub, v_a + i * f->size, v_b + i * f->size))
			return false;
	return true;
}

static bool
times_equal(const struct field *f, const void *a, const void *b)
{
	size_t n = AT(a, size_t, f->n_offset);

	return n == AT(b, size_t, f->n_offset) &&
	    (n == 0 || memcmp(AT(a, int64_t *, f->offset), AT(b, int64_t *, f->offset), n * sizeof(int64_t)) == 0);
}

/* Numbers that are none may differ in their bits. */
static bool
floats_equal(const struct field *f, const void *a, const void *b)
{
	const float *va = AT(a, float *, f->offset), *vb = AT(b, float *, f->offset);
	size_t n = AT(a, size_t, f->n_offset);

	if (n != AT(b, size_t, f->n_offset))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!doubles_equal((double)va[i], (double)vb[i]))
			return false;
	return true;
}

static bool
field_equal(const struct field *f, const void *a, const void *b)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
		return texts_equal(AT(a, char *, f->offset), AT(b, char *, f->offset));
	case FIELD_BOOL:
		return AT(a, bool, f->offset) == AT(b, bool, f->offset);
	case FIELD_ENUM:
		return AT(a, int, f->offset) == AT(b, int, f->offset);
	case FIELD_TIME:
	case FIELD_NS:
	case FIELD_NS_OR_NEVER:
		return AT(a, int64_t, f->offset) == AT(b, int64_t, f->offset);
	case FIELD_TIMES:
		return times_equal(f, a, b);
	case FIELD_FLOATS:
		return floats_equal(f, a, b);
	case FIELD_SIZE:
		return AT(a, size_t, f->offset) == AT(b, size_t, f->offset);
	case FIELD_UINT64:
		return AT(a, uint64_t, f->offset) == AT(b, uint64_t, f->offset);
	case FIELD_INT_OR_NONE:
		return AT(a, int, f->offset) == AT(b, int, f->offset);
	case FIELD_UINT:
		return AT(a, unsigned, f->offset) == AT(b, unsigned, f->offset);
	case FIELD_LONG:
		return AT(a, long, f->offset) == AT(b, long, f->offset);
	case FIELD_DOUBLE:
	case FIELD_DOUBLE_OR_NAN:
		return doubles_equal(AT(a, double, f->offset), AT(b, double, f->offset));
	case FIELD_LABELS:
		return labels_equal(&AT(a, struct labels, f->offset), &AT(b, struct labels, f->offset));
	case FIELD_STRINGS:
		return strings_equal(&AT(a, struct strings, f->offset), &AT(b, struct strings, f->offset));
	case FIELD_LIST:
	case FIELD_TUPLES:
		return lists_equal(f, a, b);
	}
	return false;
}

bool
codec_equal(const struct field *fields, const void *a, const void *b)
{
	for (const struct field *f = fields; f->key != NULL; f++)
		if (!field_equal(f, a, b))
			return false;
	return true;
}
