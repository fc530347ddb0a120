/* All panels, in the order of their number keys; dialogs last. */
#include "config.h"

#include <string.h>

#include "panels.h"

const struct panel_ops *const panels[] = {
	&panel_overview,
	&panel_alerts,
	&panel_metrics,
	&panel_sources,
	&panel_slo,
	&panel_models,
	&panel_hosts,
	&panel_runbooks,
	&panel_run,
	&panel_drift,
	&panel_logs,
	&panel_timeline,
	&panel_audit,
	&panel_silence_form,
	&panel_slo_form,
	&panel_runbook_form,
	&panel_run_confirm,
	&panel_note_form,
	&panel_passphrase_form,
	&panel_confirm,
	&panel_text,
	NULL
};

const struct panel_ops *
panel_find(const char *name)
{
	for (size_t i = 0; panels[i] != NULL; i++)
		if (strcmp(panels[i]->name, name) == 0)
			return panels[i];
	return NULL;
}
