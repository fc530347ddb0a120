/* Runs, incidents and notes as --status --json tells them. */
#include "config.h"

#include "model/codec.h"
#include "model/model_priv.h"

json_t *
run_json(const struct run_info *run)
{
	json_t *json = json_object();

	json_object_set_new(json, "id", codec_text(run->id));
	json_object_set_new(json, "runbook", codec_text(run->runbook));
	json_object_set_new(json, "target", codec_text(run->target));
	json_object_set_new(json, "state", json_string(run_state_name(run->state)));
	json_object_set_new(json, "actor", codec_text(run->actor));
	json_object_set_new(json, "plan", codec_text(run->plan));
	json_object_set_new(json, "dry_run", json_boolean(run->is_dry_run));
	json_object_set_new(json, "started", json_time_or_null(run->started_ns));
	json_object_set_new(json, "ended", json_time_or_null(run->ended_ns));
	json_object_set_new(json, "batch", json_integer(run->batch));
	json_object_set_new(json, "batches", json_integer(run->n_batches));
	json_object_set_new(json, "hosts", json_integer((json_int_t)run->n_rows));
	json_object_set_new(json, "text", codec_text(run->text));
	json_object_set_new(json, "exit", run->exit < 0 ? json_null() : json_integer(run->exit));
	return json;
}

json_t *
incident_json(const struct incident *incident)
{
	json_t *json = json_object();

	json_object_set_new(json, "id", codec_text(incident->id));
	json_object_set_new(json, "title", codec_text(incident->title));
	json_object_set_new(json, "by", codec_text(incident->by));
	json_object_set_new(json, "opened", json_time_or_null(incident->opened_ns));
	return json;
}

json_t *
note_json(const struct note *note, int64_t at_ns)
{
	json_t *json = json_object();

	json_object_set_new(json, "time", json_time_or_null(at_ns));
	json_object_set_new(json, "by", codec_text(note->by));
	json_object_set_new(json, "text", codec_text(note->text));
	json_object_set_new(json, "incident", note->incident == NULL ? json_null() : codec_text(note->incident));
	return json;
}
