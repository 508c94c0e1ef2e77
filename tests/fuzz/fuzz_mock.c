// Any bytes as a mock file, as an ffi signature and as a command: an answer or a message, and nothing left allocated.
#include "handlers/mock.h"
#include "handlers/native.h"
#include "handlers/process.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition) {
    if (!condition) abort();
}

static void mock(asl_str text, const char *test_case) {
    asl_buffer errors = {0};
    void *state = NULL;
    if (asl__mock_parse(text, "mock.json", test_case, "m", &state, &errors) == 0) {
        static const char *const tasks[] = {"A", "Charge"};
        char warnings[512];
        must(errors.size == 0);
        asl__mock_check(state, tasks, 2, warnings, sizeof warnings);
        asl__mock_check_calls(state, "A", 4, warnings, sizeof warnings);
        asl__mock_close(state);
    } else {
        must(errors.size > 0 && memcmp(errors.data, "mock.json:", 10) == 0);
    }
    asl_buffer_free(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t live = asl_alloc_live();
    asl_str text = {(const char *)data, size};
    char message[200] = "", **argv;
    struct asl__ffi_signature signature;
    if (asl__ffi_parse(text, &signature, message, sizeof message) == 0)
        must(signature.symbol.size > 0 && signature.count <= ASL__FFI_MAX_PARAMETERS);
    else
        must(*message);
    *message = 0;
    if (asl__split_words(text, &argv, message, sizeof message) == 0) {
        size_t words = 0;
        while (argv[words]) words++;
        must(words > 0 && *argv[0]);
        asl_free(argv);
    } else {
        must(*message);
    }
    mock(text, NULL);
    mock(text, "c");
    must(asl_alloc_live() == live);
    return 0;
}
