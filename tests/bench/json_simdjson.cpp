// simdjson's DOM for json_bench.c: one parser that keeps its memory from document to document, as its manual advises.
#include <simdjson.h>

#include <string>

struct reader {
    simdjson::padded_string text;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
};

extern "C" {
void *simdjson_open(const char *text, size_t size);
int simdjson_parse(void *r);
size_t simdjson_print(void *r);
void simdjson_close(void *r);

void *simdjson_open(const char *text, size_t size) {
    reader *r = new reader;
    r->text = simdjson::padded_string(text, size);
    return r;
}

int simdjson_parse(void *p) {
    reader *r = static_cast<reader *>(p);
    return r->parser.parse(r->text).get(r->root) == simdjson::SUCCESS;
}

size_t simdjson_print(void *p) { return simdjson::to_string(static_cast<reader *>(p)->root).size(); }

void simdjson_close(void *p) { delete static_cast<reader *>(p); }
}
