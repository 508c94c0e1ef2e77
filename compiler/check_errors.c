// Retry and Catch: the names in ErrorEquals (asl-language.md 15 to 17).
#include <string.h>

#include "check.h"

static const char *const known[] = {
    "States.ALL", "States.TaskFailed", "States.Timeout", "States.HeartbeatTimeout", "States.Permissions",
    "States.ResultPathMatchFailure", "States.ParameterPathFailure", "States.IntrinsicFailure", "States.QueryEvaluationError",
    "States.NoChoiceMatched", "States.BranchFailed", "States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed",
    "States.ResultWriterFailed", "States.Http.Socket", "States.DataLimitExceeded", "States.Runtime",
};

static asl_doc *error_list(const asl_doc *entry) {
    asl_doc *list = asl_doc_get(entry, "ErrorEquals");
    return list && list->kind == ASL_DOC_ARRAY ? list : NULL;
}

static void check_name(struct checker *c, const asl_doc *node, const char *field) {
    const char *name = node->text.data;
    if (strncmp(name, "States.", 7) != 0 || strncmp(name, "States.Http.StatusCode.", 23) == 0)
        return;
    if (strcmp(name, "States.Runtime") == 0) {
        diag_warning(c->diag, DIAG_SHADOWED_ERROR, node, node->span,
                     "States.Runtime is never matched by %s: it always fails the execution", field);
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0)
            return;
    struct diag_message *m = diag_warning(c->diag, DIAG_UNKNOWN_ERROR_NAME, node, node->span, "there is no error \"%.80s\"", name);
    const char *near = diag_nearest(name, known, sizeof known / sizeof *known);
    if (near)
        diag_help(c->diag, m, "did you mean \"%s\"?", near);
}

/* States.TaskFailed matches every other error but time-outs and the fatal ones. */
static bool covered_by_task_failed(const char *name) {
    return strcmp(name, "States.ALL") != 0 && strcmp(name, "States.Timeout") != 0 &&
           strcmp(name, "States.HeartbeatTimeout") != 0 && strcmp(name, "States.DataLimitExceeded") != 0 &&
           strcmp(name, "States.Runtime") != 0;
}

/* The entries of a Retry or Catch, in order: the first that matches an error is the one that counts. */
static void check_entries(struct checker *c, const asl_doc *array, const char *field) {
    const asl_doc *task_failed = NULL; /* in an earlier entry */
    for (const asl_doc *entry = array ? array->first : NULL; entry; entry = entry->next) {
        const asl_doc *list = error_list(entry), *here = NULL;
        for (const asl_doc *name = list ? list->first : NULL; name; name = name->next) {
            struct diag_message *m;
            if (name->kind != ASL_DOC_STRING)
                continue;
            check_name(c, name, field);
            if (asl_str_equal(name->text, ASL_STR("States.TaskFailed")) && !here)
                here = name;
            if (asl_str_equal(name->text, ASL_STR("States.ALL")) && list->count > 1) {
                m = diag_error(c->diag, DIAG_ERROR_EQUALS, name, name->span, "States.ALL must stand alone in its ErrorEquals");
                diag_help(c->diag, m, "it matches every error: remove the others");
            } else if (asl_str_equal(name->text, ASL_STR("States.ALL")) && entry->next) {
                m = diag_error(c->diag, DIAG_ERROR_EQUALS, name, name->span, "States.ALL must be in the last entry of %s", field);
                diag_help(c->diag, m, "the entries after it would never be tried: move this one to the end");
            } else if (task_failed && covered_by_task_failed(name->text.data)) {
                m = diag_warning(c->diag, DIAG_SHADOWED_ERROR, name, name->span,
                                 "\"%.80s\" is never matched here: an earlier entry has States.TaskFailed", name->text.data);
                diag_note(c->diag, m, task_failed->span, "which matches it");
            }
        }
        if (!task_failed)
            task_failed = here;
    }
}

static asl_doc *array_field(const struct ast_state *s, const char *field) {
    asl_doc *node = asl_doc_get(s->node, field);
    return node && node->kind == ASL_DOC_ARRAY ? node : NULL;
}

void check_errors(struct checker *c, struct ast_state *s) {
    if (s->kind != STATE_TASK && s->kind != STATE_PARALLEL && s->kind != STATE_MAP)
        return;
    check_entries(c, array_field(s, "Retry"), "Retry");
    check_entries(c, array_field(s, "Catch"), "Catch");
    for (size_t i = 0; i < s->retrier_count; i++) {
        const struct ast_retrier *r = &s->retriers[i];
        asl_doc *most = asl_doc_get(r->node, "MaxDelaySeconds");
        if (r->max_delay_seconds && r->max_delay_seconds < r->interval_seconds)
            diag_warning(c->diag, DIAG_NO_EFFECT, most, most->span, "MaxDelaySeconds is less than IntervalSeconds (%lld)",
                         (long long)r->interval_seconds);
    }
}
