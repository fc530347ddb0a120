/*
 * Answers of an agent, any bytes; first byte `F`: a key file instead.
 *
 * What is refused leaves nothing behind; keys have a type and a blob that begins with it; comments can be shown; a signature lies inside the answer.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ssh/agent_file.h"
#include "ssh/agent_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_list(const uint8_t *data, size_t size)
{
	struct agent_key *keys = NULL;
	struct err err = ERR_INIT;
	size_t n = 0;
	int r = wire_list_answer(data, size, &keys, &n, &err);

	if (r != err.code || (r < 0 && (keys != NULL || n != 0)))
		die("result and error disagree");
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(keys[i].type);

		if (len == 0 || keys[i].len < 4 + len || memcmp(keys[i].blob + 4, keys[i].type, len) != 0)
			die("a key of another type");
		if (!utf8_is_valid(keys[i].comment, strlen(keys[i].comment)) || strpbrk(keys[i].comment, "\n\033") != NULL)
			die("a comment that cannot be shown");
	}
	agent_keys_free(keys, n);
}

static void
check_signature(const uint8_t *data, size_t size)
{
	struct wire_bytes s = { NULL, 0 };
	struct err err = ERR_INIT;
	int r = wire_sign_answer(data, size, &s, &err);

	if (r != err.code)
		die("result and error disagree");
	if (r == 0 && (s.s < data || s.s + s.len > data + size || s.len < 10))
		die("a signature from elsewhere");
}

static void
check_file(const uint8_t *data, size_t size)
{
	struct agent_file f;

	if (agent_file_parse((const char *)data, size, &f)) {
		if ((f.blob != NULL) != (*f.type != '\0'))
			die("a key without a type");
		if (!f.is_private && (f.blob == NULL || f.is_encrypted))
			die("neither public nor private");
		agent_file_done(&f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 'F') {
		check_file(data + 1, size - 1);
		return 0;
	}
	check_list(data, size);
	check_signature(data, size);
	return 0;
}
