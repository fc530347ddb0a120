/* The timeline as --status --json tells it. */
#include "config.h"

#include "model/codec.h"
#include "model/model_priv.h"

static json_t *
entry_json(const struct timeline_entry *e)
{
	json_t *json = json_object();

	json_object_set_new(json, "at", codec_time(e->at_ns));
	json_object_set_new(json, "known", codec_time(e->known_ns));
	json_object_set_new(json, "kind", json_string(timeline_kind_name(e->kind)));
	json_object_set_new(json, "end", json_boolean(e->is_end));
	json_object_set_new(json, "backfilled", json_boolean(e->is_backfilled));
	json_object_set_new(json, "severity", json_string(severity_name(e->severity)));
	json_object_set_new(json, "id", codec_text(e->id));
	json_object_set_new(json, "what", codec_text(e->what));
	json_object_set_new(json, "text", codec_text(e->text));
	json_object_set_new(json, "by", codec_text(e->by));
	json_object_set_new(json, "seq", e->seq == 0 ? json_null() : json_integer((json_int_t)e->seq));
	return json;
}

json_t *
timeline_json(const struct model *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model_n_timeline(m); i++)
		json_array_append_new(list, entry_json(model_timeline(m, i)));
	return list;
}
