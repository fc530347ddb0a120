/* Argument lists: a value may be an argument, never a program, nor a part of one that an interpreter reads. */
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "runbook/read.h"

static const char *
base_name(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash != NULL ? slash + 1 : word;
}

static bool
is_one_of(const char *word, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], word))
			return true;
	return false;
}

/* Programs that read one of their arguments as a program, and the letters of the options that say so. */
static const struct {
	const char *name, *letters;
} interpreters[] = {
	{ "sh", "c" }, { "bash", "c" }, { "dash", "c" }, { "ash", "c" }, { "ksh", "c" },
	{ "mksh", "c" }, { "zsh", "c" }, { "fish", "c" }, { "csh", "c" }, { "tcsh", "c" },
	{ "su", "c" }, { "runuser", "c" }, { "script", "c" }, { "flock", "c" }, { "env", "S" },
	{ "python", "c" }, { "python3", "c" }, { "perl", "eE" }, { "ruby", "e" }, { "node", "ep" },
	{ "lua", "e" }, { "php", "r" }, { "sed", "e" }, { "psql", "c" }, { "mysql", "e" },
	{ "sqlite3", "c" },
};

/* Programs whose arguments go through a shell, or are a program, without any option. */
static const char *const readers[] = { "eval", "ssh", "rsh", "watch", "awk", "gawk", "mawk", "sed",
    "parallel" };

static const char *
letters_of(const char *word)
{
	const char *name = base_name(word);

	for (size_t i = 0; i < sizeof interpreters / sizeof interpreters[0]; i++)
		if (str_eq(interpreters[i].name, name))
			return interpreters[i].letters;
	return NULL;
}

static bool
has_option(const char *word, const char *letters)
{
	return word[0] == '-' && word[1] != '-' && strpbrk(word + 1, letters) != NULL;
}

static bool
has_variable(const struct template *t)
{
	return template_names(t, NULL) > 0;
}

static void
refuse(struct reader *rd, const struct yaml_node *at, const char *program)
{
	char shown[64];

	read_problem(rd, at, "no value is put into a program: what %s reads here would be one; write it "
	    "without variables, and give values as further arguments ($1) or in env:",
	    str_escape_to(shown, sizeof shown, base_name(program)));
}

/* Behind an interpreter at `from`: the option's own word, and the first word behind it that is no option. */
static void
check_interpreter(struct reader *rd, const struct yaml_node *list, struct template *const *argv,
    size_t from, const char *letters)
{
	const char *program = template_source(argv[from]);
	bool is_code = false;

	for (size_t i = from + 1; argv[i] != NULL; i++) {
		const char *word = template_source(argv[i]);

		if (has_option(word, letters)) {
			is_code = true;
			if (has_variable(argv[i]))
				refuse(rd, list->items[i], program);
		} else if (is_code) {
			if (has_variable(argv[i]))
				refuse(rd, list->items[i], program);
			if (word[0] != '-')
				return;
		} else if (word[0] != '-') {
			/* A script's file, or sudo's user: what follows may still have options. */
			continue;
		}
	}
}

static void
check_reader(struct reader *rd, const struct yaml_node *list, struct template *const *argv,
    size_t from)
{
	for (size_t i = from + 1; argv[i] != NULL; i++)
		if (has_variable(argv[i]))
			refuse(rd, list->items[i], template_source(argv[from]));
}

void
read_check_words(struct reader *rd, const struct yaml_node *node, struct template *const *argv)
{
	const char *program = template_source(argv[0]);

	if (has_variable(argv[0]))
		read_problem(rd, node->items[0], "run: the program is written out: no value decides "
		    "what is run");
	else if (program[0] == '\0' || program[0] == '-')
		read_problem(rd, node->items[0], "run: names no program");
	for (size_t i = 0; argv[i] != NULL; i++) {
		const char *word = template_source(argv[i]), *letters = letters_of(word);

		if (has_variable(argv[i]))
			continue;
		if (letters != NULL)
			check_interpreter(rd, node, argv, i, letters);
		/* Only as the program itself: an argument may well be called so. */
		if (i == 0 && is_one_of(base_name(word), readers, sizeof readers / sizeof readers[0]))
			check_reader(rd, node, argv, i);
	}
}
