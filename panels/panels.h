/* The panels there are: one line each, and one in registry.c. */
#ifndef OPS_PANELS_PANELS_H
#define OPS_PANELS_PANELS_H

#include "ui/panel.h"

extern const struct panel_ops panel_overview;
extern const struct panel_ops panel_alerts;
extern const struct panel_ops panel_metrics;
extern const struct panel_ops panel_sources;
extern const struct panel_ops panel_slo;
extern const struct panel_ops panel_models;
extern const struct panel_ops panel_hosts;
extern const struct panel_ops panel_runbooks;
extern const struct panel_ops panel_run;
extern const struct panel_ops panel_drift;
extern const struct panel_ops panel_timeline;
extern const struct panel_ops panel_audit;
extern const struct panel_ops panel_logs;
extern const struct panel_ops panel_silence_form;
extern const struct panel_ops panel_slo_form;
extern const struct panel_ops panel_runbook_form;
extern const struct panel_ops panel_run_confirm;
extern const struct panel_ops panel_note_form;
extern const struct panel_ops panel_passphrase_form;
extern const struct panel_ops panel_confirm;
extern const struct panel_ops panel_text;

#endif
