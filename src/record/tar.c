#include "config.h"

#include "record/tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Fields of a header: offset and length. */
enum {
	NAME = 0, NAME_LEN = 100, MODE = 100, UID = 108, GID = 116, SIZE = 124, SIZE_LEN = 12, MTIME = 136, MTIME_LEN = 12, SUM = 148, SUM_LEN = 8,
	TYPE = 156, LINK = 157, LINK_LEN = 100, MAGIC = 257, PREFIX = 345, PREFIX_LEN = 155
};
static const char magic[8] = { 'u', 's', 't', 'a', 'r', '\0', '0', '0' };

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("._@-+", c) != NULL);
}

bool
tar_name_is_plain(const char *name)
{
	size_t n = 0;

	while (is_plain(name[n]))
		n++;
	return n > 0 && n < NAME_LEN && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

void
tar_name_make_plain(char *name)
{
	for (char *p = name; *p != '\0'; p++)
		if (!is_plain(*p) || (p == name && (*p == '.' || *p == '-')))
			*p = '_';
}

uint64_t
tar_padded(uint64_t size)
{
	return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

/* The sum is of all bytes, with blanks where it stands itself. */
static unsigned
sum(const char *block)
{
	unsigned s = 0;

	for (int i = 0; i < TAR_BLOCK; i++)
		s += i >= SUM && i < SUM + SUM_LEN ? ' ' : (unsigned char)block[i];
	return s;
}

void
tar_header_write(char *block, const char *name, uint64_t size, int64_t mtime_s)
{
	memset(block, 0, TAR_BLOCK);
	memcpy(block + NAME, name, strlen(name));
	memcpy(block + MODE, "0000600", 8);
	memcpy(block + UID, "0000000", 8);
	memcpy(block + GID, "0000000", 8);
	snprintf(block + SIZE, SIZE_LEN, "%011" PRIo64, size & TAR_SIZE_MAX);
	snprintf(block + MTIME, MTIME_LEN, "%011" PRIo64, mtime_s > 0 ? (uint64_t)mtime_s & TAR_SIZE_MAX : 0);
	block[TYPE] = '0';
	memcpy(block + MAGIC, magic, sizeof magic);
	snprintf(block + SUM, SUM_LEN, "%06o", sum(block));
	block[SUM + 7] = ' ';
}

static bool
read_octal(const char *field, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < len && field[i] == ' ')
		i++;
	if (i == len || field[i] < '0' || field[i] > '7')
		return false;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		v = v * 8 + (uint64_t)(field[i] - '0');
	for (; i < len; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return false;
	*ret = v;
	return true;
}

static bool
is_zero(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != '\0')
			return false;
	return true;
}

int
tar_header_read(const char *block, char *ret_name, uint64_t *ret_size, struct err *err)
{
	uint64_t said;

	if (is_zero(block, TAR_BLOCK))
		return 0;
	if (memcmp(block + MAGIC, magic, sizeof magic) != 0)
		return err_set(err, ERR_SYNTAX, "not a header of tar (ustar)");
	if (!read_octal(block + SUM, SUM_LEN, &said) || said != sum(block))
		return err_set(err, ERR_SYNTAX, "a header whose checksum is wrong");
	if (block[TYPE] != '0' || !is_zero(block + PREFIX, PREFIX_LEN) || !is_zero(block + LINK, LINK_LEN))
		return err_set(err, ERR_SYNTAX, "something else than a plain file");
	memcpy(ret_name, block + NAME, NAME_LEN);
	ret_name[NAME_LEN] = '\0';
	if (!tar_name_is_plain(ret_name))
		return err_set(err, ERR_SYNTAX, "a name that no packed file has");
	if (!read_octal(block + SIZE, SIZE_LEN, ret_size))
		return err_set(err, ERR_SYNTAX, "a size that is no number");
	return 1;
}
