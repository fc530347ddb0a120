/* Any bytes in any pieces: the reader never reads beyond them, always goes on, and says only keys that have a name. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct key_seq seqs[] = { { "\033OA", KEY_UP_ }, { "\033[[A", KEY_F1 }, { "\b", KEY_BACKSPACE_ } };

/* Each byte gives at most one key, and its name is read back as itself. */
static size_t
take_all(struct key_reader *k, bool is_final)
{
	size_t n = 0;
	int key;

	while (key_take(k, is_final, &key)) {
		char name[KEY_TEXT_MAX];
		int again = key_parse(key_format(name, key));

		if (key == KEY_NONE || strlen(name) >= sizeof name)
			abort();
		if (name[strlen(name) - 1] != '?' && again == KEY_NONE)
			abort();
		n++;
	}
	return n;
}

/* The first byte says how long the pieces are. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct key_reader k = { .seqs = seqs, .n_seqs = sizeof seqs / sizeof seqs[0] };
	size_t piece = size > 0 ? data[0] % 16 + 1u : 1, n = 0;

	for (size_t at = 1; at < size;) {
		size_t want = size - at < piece ? size - at : piece, took = key_put(&k, data + at, want);

		/* A full reader always has a key to give. */
		if (took == 0)
			abort();
		at += took;
		n += take_all(&k, data[at - 1] % 8 == 0);
	}
	n += take_all(&k, true);
	if (k.n != 0 || n > size)
		abort();
	return 0;
}
