/* Recorded answers of real servers: tests/fixtures/FOLDER/NAME.http beside the body it names. */
#ifndef OPS_TESTS_CONTRACT_FIXTURE_H
#define OPS_TESTS_CONTRACT_FIXTURE_H

#include <stddef.h>

struct fixture {
	char *folder, *name;	/* "prometheus", "query-scalar" */
	char *method, *path;	/* path with its query string, as sent */
	char *content_type;	/* "" when none */
	char *request_body;	/* "" when none */
	long status;		/* 0: not an answer (webhooks) */
	char *body;		/* decompressed */
	size_t len;
};

/* Ends the program with a sentence when the fixture cannot be read. */
struct fixture *fixture_read(const char *folder, const char *name);
void fixture_free(struct fixture *f);
/* All names in a folder, sorted. */
char **fixture_names(const char *folder, size_t *ret_n);
void fixture_names_free(char **names, size_t n);
/* A path below the source folder, such as "tests/contract/expected". In static storage. */
const char *source_path(const char *below);
char *file_read(const char *path, size_t *ret_len);	/* NULL when it cannot be read */

#endif
