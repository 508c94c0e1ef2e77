// Private to path.c and path_parse.c: what a path is once it has been read.
#ifndef ASL_PATH_PRIVATE_H
#define ASL_PATH_PRIVATE_H

#include "aslc/path.h"
#include "regex.h"

enum step_kind {
    STEP_NAME,    // .a          ['a']
    STEP_NAMES,   // ['a', 'b']
    STEP_INDEX,   // [0]         [-1]
    STEP_INDEXES, // [0, 1]
    STEP_SLICE,   // [1:]        [:2]    [1:2]
    STEP_ALL,     // .*          [*]
    STEP_SCAN,    // ..          the step that follows applies to every container below
    STEP_FILTER,  // [?(…)]
    STEP_LENGTH,  // .length()   the last step of a path
};

struct step {
    enum step_kind kind;
    uint32_t place; // NAME: where it was found last, and the object's key there, retained: the next object has it, too,
    asl_text *seen; // most likely
    union {
        asl_text *name;
        int64_t index;
        struct {
            asl_text **items;
            size_t count;
        } names;
        struct {
            int64_t *items;
            size_t count;
        } indexes;
        struct {
            int64_t from, to;
            bool has_from, has_to;
        } slice;
        struct {
            struct filter *test;
            size_t roots; // operands in it that start at the root
        } filter;
    } u;
};

struct asl_path {
    asl_text *text; // NULL for the paths inside filters
    asl_path_root root;
    size_t variable_size; // its name stands at text->bytes + 1
    struct step *steps;
    size_t count, capacity;
    bool definite;
    bool direct;    // names and indexes only
    bool reference; // direct, without negative indexes
};

enum filter_kind {
    FILTER_OR,
    FILTER_AND,
    FILTER_NOT,
    FILTER_EXISTS, // @.a
    FILTER_ABSENT, // !@.a: absent or null (reported; plain Jayway only looks for absence)
    FILTER_COMPARE,
};

enum comparison { EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, MATCHES, IN, NOT_IN, CONTAINS, SUBSET_OF,
                  ANY_OF, NONE_OF, SIZE, EMPTY };

enum operand_kind { OPERAND_NONE, OPERAND_ITEM, OPERAND_ROOT, OPERAND_VALUE, OPERAND_REGEX };

struct operand {
    enum operand_kind kind;
    asl_path *path;     // ITEM: from @; ROOT: from $
    size_t root_number; // ROOT: its place among the roots of the filter, which are evaluated once
    asl_value value;
    struct asl__regex *regex;
};

struct filter {
    enum filter_kind kind;
    struct filter *first, *next; // the children of OR, AND, NOT, and the sibling
    enum comparison comparison;
    struct operand left, right; // EXISTS, ABSENT: left
};

#endif
