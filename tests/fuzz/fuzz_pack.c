/* Any bytes as a packed file: refused with a sentence, or each member lies inside of it, has a plain name, and its recording is sought in without harm. */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/pack.h"
#include "record/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
sum(const char *bytes, size_t len)
{
	size_t s = 0;

	for (size_t i = 0; i < len; i++)
		s += (unsigned char)bytes[i];
	return s;
}

static void
look(const struct pack *p, size_t size)
{
	const struct pack_member *members;
	struct pack_info info;
	const char *name, *head, *bytes;
	size_t n = pack_members(p, &members), len, seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (!tar_name_is_plain(members[i].name) || members[i].offset > size || members[i].size > size - members[i].offset)
			abort();
		bytes = pack_bytes(p, members[i].name, &len);
		if (bytes == NULL || len != members[i].size)
			abort();
		seen += sum(bytes, len);
	}
	for (size_t i = 0; i < pack_n_slices(p); i++) {
		bytes = pack_slice(p, i, &len, &name, &head);
		seen += sum(bytes, len) + strlen(name) + strlen(head);
	}
	pack_info(p, &info);
	seen += strlen(info.incident) + strlen(info.title) + strlen(info.env) + strlen(info.version);
	pack_check(p, NULL);
	if (seen == 0)
		abort();	/* a manifest is never empty */
}

static void
play(const char *path)
{
	struct recording_info info;
	struct recording *r;
	struct player *player;

	if (recording_open(path, &r, NULL) < 0)
		return;
	recording_info(r, &info);
	player = player_new(r);
	player_seek(player, info.first_ns, NULL);
	player_seek(player, info.last_ns, NULL);
	player_free(player);
	recording_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("pack", MFD_CLOEXEC);
	struct err err = ERR_INIT;
	struct pack *p;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	clock_freeze(INT64_C(1893456000000000000));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (pack_open(path, &p, &err) == 0) {
		look(p, size);
		pack_free(p);
		play(path);
	} else if (err.msg[0] == '\0') {
		abort();
	}
	close(fd);
	return 0;
}
