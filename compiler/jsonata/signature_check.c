// The syntax of a lambda's signature (jsonata-language 14): the two mistakes that are found when it is parsed. What it
// means at a call is the runtime's.
#include "parse_private.h"

/* The bracket that closes the one at `from`, or the end. */
static size_t closing(asl_str text, size_t from, char open, char close) {
    size_t depth = 0, i = from;
    for (; i < text.size; i++) {
        if (text.data[i] == open)
            depth++;
        else if (text.data[i] == close && --depth == 0)
            break;
    }
    return i;
}

const char *signature_check(asl_str text, size_t *offset) {
    char before = 0; /* the parameter that < would belong to */
    for (size_t i = 1; i < text.size && text.data[i] != ':'; i++) {
        switch (text.data[i]) {
        case 's': case 'n': case 'b': case 'l': case 'o': case 'a': case 'f': case 'j': case 'x':
            before = text.data[i];
            break;
        case '(': {
            size_t end = closing(text, i, '(', ')');
            *offset = i;
            for (size_t j = i; j < end; j++)
                if (text.data[j] == '<')
                    return "S0402";
            before = '(';
            i = end;
            break;
        }
        case '<':
            *offset = i;
            if (before != 'a' && before != 'f')
                return "S0401";
            i = closing(text, i, '<', '>');
            break;
        default: // suffixes; what is no type is no mistake either
            break;
        }
    }
    return NULL;
}
