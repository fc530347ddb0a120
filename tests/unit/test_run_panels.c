/* What cannot be seen on a screen of the panels of runs: pastes, keys that came too early, what an op holds. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "panels/panels.h"
#include "panels/parts_run.h"
#include "tests/unit/feed.h"
#include "ui/key.h"

enum { W = 100, H = 40, W_SMALL = 40, H_SMALL = 10 };

struct stage {
	struct model *model;
	struct view view;
	struct panel *panel;
	struct grid *grid;
};

#define PLAN "{'event':'run','id':'plan-1','runbook':'rollback','env':'prod','target':'prod/x','danger':'%s','ours':true,'state':'planned','plan':'aabb',"	\
	"'confirm_typed':%s,'columns':[{'name':'do','phase':'step'}],'rows':[{'host':'a','batch':0,'cells':[{'outcome':'WOULD RUN'}]}],"		\
	"'values':[{'name':'x','value':'1'}],'batches':1}"
#define ASKING "{'event':'run','id':'r','runbook':'rollback','ours':true,'state':'asking','question':'What now?','answers':['continue','undo'],"	\
	"'columns':[{'name':'do','phase':'step'}],'rows':[{'host':'a','batch':0,'cells':[{'outcome':'FAILED'}]}],'batches':1}"

static void
stage_draw(struct stage *s)
{
	struct canvas c = grid_canvas(s->grid);

	panel_draw(s->panel, &s->view, &c, NULL);
}

static void
stage_open(struct stage *s, const struct panel_ops *ops, int w, int h, const struct op *op)
{
	model_advance(s->model, T(10));
	s->view = (struct view){ .model = s->model, .live = s->model, .now_ns = T(10), .is_focused = true, .user = "me" };
	s->view.range = (struct timerange){ .start_ns = T(0), .end_ns = T(10), .cursor_ns = T(10), .is_live = true };
	s->grid = grid_new(w, h, false);
	s->panel = panel_new(ops, &s->view, op);
	assert_non_null(s->panel);
	stage_draw(s);
}

static void
stage_close(struct stage *s)
{
	panel_free(s->panel);
	grid_free(s->grid);
	model_free(s->model);
}

static struct op *
press(struct stage *s, int key)
{
	struct op *op = NULL;

	s->panel->ops->key(s->panel, &s->view, key, &op);
	stage_draw(s);
	return op;
}

static struct op *
type(struct stage *s, const char *text)
{
	for (; *text != '\0'; text++)
		assert_null(press(s, (unsigned char)*text));
	return press(s, KEY_ENTER_);
}

static void
confirm_open(struct stage *s, const char *danger, bool is_typed, int w, int h)
{
	struct op op = { .kind = OP_RUN_FORM, .text = "plan-1" };

	s->model = model_new(0, 0);
	feed(s->model, 1, PLAN, danger, is_typed ? "true" : "false");
	stage_open(s, &panel_run_confirm, w, h, &op);
}

static void
a_dangerous_run_wants_its_target_byte_for_byte(void **state)
{
	static const char *const wrong[] = { "", "prod/y", "prod/x ", "PROD/X", "prod/xx", "y" };
	struct stage s;
	struct op *op;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		confirm_open(&s, "high", true, W, H);
		assert_null(type(&s, wrong[i]));
		stage_close(&s);
	}
	confirm_open(&s, "high", true, W, H);
	op = type(&s, "prod/x");
	assert_non_null(op);
	assert_int_equal(op->kind, OP_RUN_GO);
	assert_string_equal(op->text, "plan-1");
	assert_string_equal(op->arg, "prod/x");
	assert_string_equal(op->source, "aabb");
	assert_true(op->is_confirmed && op_writes(op));
	op_free(op);
	stage_close(&s);
}

/* A newline in what is pasted confirms nothing; the text may be pasted. */
static void
a_paste_does_not_press_enter(void **state)
{
	struct stage s;
	struct op *op;

	(void)state;
	confirm_open(&s, "high", true, W, H);
	assert_null(press(&s, KEY_PASTE_BEGIN));
	for (const char *p = "prod/x"; *p != '\0'; p++)
		assert_null(press(&s, *p));
	assert_null(press(&s, KEY_ENTER_));
	assert_null(press(&s, KEY_PASTE_END));
	stage_close(&s);
	confirm_open(&s, "high", true, W, H);
	press(&s, KEY_PASTE_BEGIN);
	for (const char *p = "prod/x"; *p != '\0'; p++)
		press(&s, *p);
	press(&s, KEY_PASTE_END);
	op = press(&s, KEY_ENTER_);
	assert_non_null(op);
	op_free(op);
	stage_close(&s);
}

static void
less_danger_wants_y_and_enter_is_none(void **state)
{
	struct stage s;
	struct op *op;

	(void)state;
	confirm_open(&s, "low", false, W, H);
	assert_null(press(&s, KEY_ENTER_));
	assert_null(press(&s, ' '));
	op = press(&s, 'n');
	assert_int_equal(op->kind, OP_CLOSE);
	op_free(op);
	op = press(&s, 'y');
	assert_int_equal(op->kind, OP_RUN_GO);
	assert_null(op->arg);
	op_free(op);
	stage_close(&s);
}

static void
what_was_not_read_to_its_end_is_not_run(void **state)
{
	struct stage s;
	struct op *op;

	(void)state;
	confirm_open(&s, "low", false, W_SMALL, H_SMALL - 3);
	assert_null(press(&s, 'y'));
	for (int i = 0; i < 20; i++)
		assert_null(press(&s, 'j'));
	op = press(&s, 'y');
	assert_non_null(op);
	op_free(op);
	stage_close(&s);
}

static void
another_plan_or_none_is_not_run(void **state)
{
	struct stage s;

	(void)state;
	confirm_open(&s, "low", false, W, H);
	feed(s.model, 2, "{'event':'run','id':'plan-1','state':'planned','plan':'ccdd'}");
	assert_null(press(&s, 'y'));
	feed(s.model, 3, "{'event':'run','id':'plan-1','state':'ended','plan':'aabb'}");
	assert_null(press(&s, 'y'));
	stage_close(&s);
	confirm_open(&s, "low", false, W, H);
	s.view.is_read_only = true;
	assert_null(press(&s, 'y'));
	s.view.is_read_only = false;
	s.view.range.is_live = false;
	assert_null(press(&s, 'y'));
	stage_close(&s);
}

/* A target that is not there cannot be typed: Enter alone must not be it. */
static void
no_target_is_no_confirmation(void **state)
{
	struct op op = { .kind = OP_RUN_FORM, .text = "p" };
	struct stage s = { .model = model_new(0, 0) };

	(void)state;
	feed(s.model, 1, "{'event':'run','id':'p','state':'planned','confirm_typed':true,'ours':true}");
	stage_open(&s, &panel_run_confirm, W, H, &op);
	assert_null(press(&s, KEY_ENTER_));
	stage_close(&s);
}

static struct op *
command(struct stage *s, const char *name)
{
	for (const struct command *c = s->panel->ops->commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c->run(s->panel, &s->view, NULL);
	fail_msg("no command %s", name);
	return NULL;
}

static void
an_answer_counts_once_its_choices_were_shown(void **state)
{
	struct stage s = { .model = model_new(0, 0) };
	struct op *op = NULL;

	(void)state;
	feed(s.model, 1, ASKING);
	stage_open(&s, &panel_run, W, H, NULL);
	assert_null(command(&s, "answer"));
	assert_true(s.panel->ops->key(s.panel, &s.view, 'u', &op));
	assert_null(op);	/* typed ahead */
	stage_draw(&s);
	assert_null(press(&s, 'z'));
	op = press(&s, 'u');
	assert_non_null(op);
	assert_int_equal(op->kind, OP_RUN_ANSWER);
	assert_string_equal(op->arg, "undo");
	op_free(op);
	/* Stopping stays possible while it is answered. */
	command(&s, "answer");
	stage_draw(&s);
	assert_false(s.panel->ops->key(s.panel, &s.view, 'x', &op));
	stage_close(&s);
}

static const char *
hint(const struct stage *s, const char *name)
{
	for (const struct command *c = s->panel->ops->commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return s->panel->ops->hint(s->panel, c);
	fail_msg("no command %s", name);
	return NULL;
}

/* Where nothing may run, a plan's end is its text; a key that would only refuse is not offered. */
static void
a_plan_to_look_at_offers_no_confirmation(void **state)
{
	struct stage s = { .model = model_new(0, 0) };
	struct op *op;

	(void)state;
	feed(s.model, 1, "{'event':'run','id':'p','state':'planned','ours':true,'columns':[{'name':'do','phase':'step'}],'rows':[{'host':'a','cells':[{}]}]}");
	stage_open(&s, &panel_run, W, H, NULL);
	stage_draw(&s);
	assert_string_equal(hint(&s, "open"), "confirm");
	feed(s.model, 2, "{'event':'run','id':'p','state':'planned','dry_run':true,'ours':true,'columns':[{'name':'do','phase':'step'}],"
	    "'rows':[{'host':'a','cells':[{}]}]}");
	stage_draw(&s);
	assert_string_equal(hint(&s, "open"), "all of it");
	op = command(&s, "go");
	assert_int_equal(op->kind, OP_MESSAGE);
	assert_non_null(strstr(op->text, "read-only environment"));
	op_free(op);
	stage_close(&s);
}

static void
a_run_of_others_is_left_alone(void **state)
{
	static const char *const acts[] = { "stop", "skip", "retry", "undo", "go" };
	struct stage s = { .model = model_new(0, 0) };

	(void)state;
	feed(s.model, 1, "{'event':'run','id':'r','state':'acting','actor':'tomas','ours':false,'columns':[{'name':'do','phase':'step'}],"
	    "'rows':[{'host':'a','cells':[{'outcome':'FAILED','intent':1,'undo':'u'}]}]}");
	stage_open(&s, &panel_run, W, H, NULL);
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		struct op *op = command(&s, acts[i]);

		assert_int_equal(op->kind, OP_MESSAGE);
		op_free(op);
	}
	stage_close(&s);
}

static void
undo_and_retry_ask_and_stop_does_not(void **state)
{
	struct stage s = { .model = model_new(0, 0) };
	struct op *op;

	(void)state;
	feed(s.model, 1, "{'event':'run','id':'r','state':'acting','ours':true,'columns':[{'name':'do','phase':'step'}],"
	    "'rows':[{'host':'a','cells':[{'outcome':'FAILED','intent':1,'undo':'u'}]},{'host':'b','cells':[{'outcome':'OK','intent':2}]}]}");
	stage_open(&s, &panel_run, W, H, NULL);
	op = command(&s, "undo");
	assert_int_equal(op->kind, OP_RUN_UNDO);
	assert_non_null(op->confirm);
	op_free(op);
	op = command(&s, "retry");
	assert_int_equal(op->kind, OP_RUN_RETRY);
	assert_string_equal(op->arg, "a");
	assert_non_null(op->confirm);
	op_free(op);
	op = command(&s, "stop");
	assert_int_equal(op->kind, OP_RUN_STOP);
	assert_false(op_writes(op));
	assert_null(op->confirm);
	op_free(op);
	/* b did not fail: all that did are meant. */
	assert_null(command(&s, "next"));
	op = command(&s, "retry");
	assert_null(op->arg);
	op_free(op);
	stage_close(&s);
}

/* A run that goes away, shrinks, or is drawn on any size, does no harm. */
static void
any_size_and_any_change_can_be_drawn(void **state)
{
	static const char *const keys[] = { "open", "outputs", "sort", "right", "last", "scroll-down", "details", "left", "first", "older", "newer" };

	(void)state;
	for (int w = 1; w < 130; w += 13)
		for (int h = 1; h < 45; h += 4) {
			struct stage s = { .model = model_new(0, 0) };

			feed(s.model, 1, ASKING);
			feed(s.model, 1, "{'event':'run-output','run':'r','host':'a','column':0,'out':'x\\\\ny','ended':true,'status':1}");
			stage_open(&s, &panel_run, w, h, NULL);
			for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
				op_free(command(&s, keys[i]));
				stage_draw(&s);
				if (i == 5)
					feed(s.model, 2, "{'event':'run','id':'r','state':'ended','exit':77}");
				stage_draw(&s);
			}
			stage_close(&s);
		}
}

static void
a_form_hands_on_what_was_typed_and_no_more(void **state)
{
	struct op ask = { .kind = OP_RUNBOOK_FORM, .text = "b", .arg = "Spam" };
	struct stage s = { .model = model_new(0, 0) };
	struct op *op;

	(void)state;
	feed(s.model, 1, "{'event':'runbooks','runbooks':[{'name':'b','hosts':'group web','params':[{'name':'s','type':'secret','required':true},"
	    "{'name':'n','type':'int','default':'3'}]}]}");
	stage_open(&s, &panel_runbook_form, W, H, &ask);
	press(&s, KEY_PASTE_BEGIN);
	press(&s, 'k');
	press(&s, KEY_ENTER_);
	press(&s, '2');
	press(&s, KEY_PASTE_END);
	press(&s, KEY_TAB);
	press(&s, KEY_TAB);
	press(&s, KEY_TAB);
	op = press(&s, KEY_ENTER_);
	assert_non_null(op);
	assert_int_equal(op->kind, OP_RUN_PLAN);
	assert_false(op_writes(op));
	assert_string_equal(op->arg, "s=k 2\n");	/* what is not given is found: no default is made up here */
	assert_string_equal(op->source, "Spam");
	assert_null(op->confirm);
	op_free(op);
	/* The secret is nowhere on the screen. */
	stage_draw(&s);
	{
		struct buf b;

		buf_init(&b, 1 << 16);
		grid_dump(s.grid, &b);
		assert_null(strstr(b.data, "k 2"));
		assert_non_null(strstr(b.data, "***"));
		buf_done(&b);
	}
	stage_close(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dangerous_run_wants_its_target_byte_for_byte),
		cmocka_unit_test(a_paste_does_not_press_enter),
		cmocka_unit_test(less_danger_wants_y_and_enter_is_none),
		cmocka_unit_test(what_was_not_read_to_its_end_is_not_run),
		cmocka_unit_test(another_plan_or_none_is_not_run),
		cmocka_unit_test(no_target_is_no_confirmation),
		cmocka_unit_test(an_answer_counts_once_its_choices_were_shown),
		cmocka_unit_test(a_plan_to_look_at_offers_no_confirmation),
		cmocka_unit_test(a_run_of_others_is_left_alone),
		cmocka_unit_test(undo_and_retry_ask_and_stop_does_not),
		cmocka_unit_test(any_size_and_any_change_can_be_drawn),
		cmocka_unit_test(a_form_hands_on_what_was_typed_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
