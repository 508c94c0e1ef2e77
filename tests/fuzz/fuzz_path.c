// JSONPath: any text may be a path, any document its input. The input is "path LF document"; without a line feed a fixed
// document is used. Whatever parses is evaluated, asked what is missing, and used as a ResultPath.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aslc/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char fixed[] = "{\"a\":[{\"b\":1,\"c\":\"text\"},{\"b\":[null,true,{\"a\":{\"a\":-1.5}}]}],\"b\":{\"a\":[],\"b\":\"x\"}}";
    asl_str text = {(const char *)data, size}, document = {fixed, sizeof fixed - 1};
    const char *line_end = size ? memchr(data, '\n', size) : NULL;
    if (line_end) {
        text.size = (size_t)(line_end - text.data);
        document = (asl_str){line_end + 1, size - text.size - 1};
    }
    asl_path_error error;
    asl_path *path = asl_path_parse(text, &error);
    if (!path) {
        if (error.offset > text.size) abort(); // points outside the text
        return 0;
    }
    asl_value input, got;
    if (asl_json_parse(document, NULL, &input, NULL) != 0) input = asl_null();
    got = asl_path_get(path, &input);
    asl_buffer missing = {0};
    if (got.tag == ASL_NONE) asl_path_missing(path, &input, &missing);
    else if (!asl_path_definite(path) && got.tag != ASL_ARRAY) abort();
    if (asl_path_index_past_end(path, &input) && got.tag != ASL_NONE) abort();
    asl_release(got);

    asl_value put = asl_path_put(path, input, asl_int(7)); // moves input
    if (put.tag != ASL_NONE) {
        got = asl_path_get(path, &put);
        if (got.tag != ASL_INT || got.i != 7) abort();
        asl_release(got);
    }
    asl_release(put);
    asl_buffer_free(&missing);
    asl_path_free(path);
    if (asl_alloc_live() != 0) abort();
    return 0;
}
