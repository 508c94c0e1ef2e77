// Any bytes: parsing ends with a value or a message inside the text. A value prints to text that parses to an equal value
// and prints to itself again; asl_json_size agrees with the printer; nothing is left allocated.
#include "aslc/value.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition) {
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t live = asl_alloc_live();
    asl_value v, again;
    asl_json_error error;
    if (asl_json_parse((asl_str){(const char *)data, size}, NULL, &v, &error)) {
        must(v.tag == ASL_NONE && error.offset <= size && error.line && error.column && error.message[0]);
        must(asl_alloc_live() == live);
        return 0;
    }
    asl_buffer text = {0}, text_again = {0};
    asl_json_print(&v, &text);
    must(text.size == asl_json_size(&v));
    must(asl_json_parse((asl_str){text.data, text.size}, NULL, &again, &error) == 0);
    must(asl_equal(&v, &again) && asl_equal(&again, &v));
    asl_json_print(&again, &text_again);
    must(text.size == text_again.size && memcmp(text.data, text_again.data, text.size) == 0);
    if (asl_is_number(&v)) {
        asl_value rounded = asl_number_round(&v);
        must(asl_number_compare(&v, &again) == 0 && rounded.tag == ASL_INT);
    }
    asl_buffer_free(&text);
    asl_buffer_free(&text_again);
    asl_release(v);
    asl_release(again);
    must(asl_alloc_live() == live);
    return 0;
}
