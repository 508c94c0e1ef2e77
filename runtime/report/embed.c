// Build tool: makes the report's page one packed C array.
//
//     embed page.inc page.in.html page.css a.js b.js ...
//
// The page is the template with the style sheet and the scripts in it, without the lines that are comments, blank lines and
// indentation. Its security policy names its one script and its one style sheet by their hashes, so that nothing else runs,
// whatever a payload holds.
//
// It is packed because it is part of every executable that can write reports. report.c unpacks what this writes:
//
//     token         high half: literals, low half: bytes to copy less 4; 15 goes on in bytes that are added, up to one below 255
//     literals
//     distance      2 bytes, low first, back from here; the last token ends before it
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha2.h>

struct text {
    char *data;
    size_t size;
};

static void add(struct text *t, const char *data, size_t size) {
    t->data = realloc(t->data, t->size + size + 1);
    if (!t->data) exit(1);
    memcpy(t->data + t->size, data, size);
    t->data[t->size += size] = 0;
}

static void add_z(struct text *t, const char *s) { add(t, s, strlen(s)); }

/* Lines without what surrounds them; lines that are comments and empty ones go. */
static void add_file(struct text *out, const char *path, const char *comment) {
    static char line[16384];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, f)) {
        char *s = line + strspn(line, " \t");
        size_t size = strcspn(s, "\r\n");
        while (size > 0 && (s[size - 1] == ' ' || s[size - 1] == '\t')) size--;
        if (size == 0 || (comment && strncmp(s, comment, strlen(comment)) == 0)) continue;
        add(out, s, size);
        add(out, "\n", 1);
    }
    fclose(f);
}

static void add_hash(struct text *out, const struct text *t) {
    struct sha256_ctx sha;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char base64[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";
    sha256_init(&sha);
    sha256_update(&sha, t->size, (const uint8_t *)t->data);
    sha256_digest(&sha, sizeof digest, digest);
    base64_encode_raw(base64, sizeof digest, digest);
    add_z(out, "'sha256-");
    add_z(out, base64);
    add_z(out, "'");
}

static void length(struct text *out, size_t n) {
    for (n -= 15; n >= 255; n -= 255) add(out, "\xff", 1);
    add(out, &(char){(char)n}, 1);
}

static void token(struct text *out, const char *literals, size_t count, size_t match, size_t distance) {
    size_t copy = match ? match - 4 : 0;
    add(out, &(char){(char)((count < 15 ? count : 15) << 4 | (copy < 15 ? copy : 15))}, 1);
    if (count >= 15) length(out, count);
    add(out, literals, count);
    if (!match) return;
    if (copy >= 15) length(out, copy);
    add(out, (char[]){(char)(distance & 255), (char)(distance >> 8)}, 2);
}

static size_t longest(const struct text *t, size_t at, size_t *distance) {
    size_t best = 0;
    for (size_t d = 1; d <= at && d < 65536; d++) {
        size_t n = 0;
        while (at + n < t->size && t->data[at + n - d] == t->data[at + n]) n++;
        if (n > best) {
            best = n;
            *distance = d;
        }
    }
    return best;
}

/* A match waits for one that begins a byte later and is longer. Slow, and run once for 80 KB. */
static void pack(struct text *out, const struct text *t) {
    size_t from = 0, at = 0, distance = 0, later = 0;
    size_t match = longest(t, 0, &distance);
    while (at < t->size) {
        size_t next = at + 1 < t->size ? longest(t, at + 1, &later) : 0;
        if (match < 4 || next > match) {
            at++;
            match = next;
            distance = later;
            continue;
        }
        token(out, t->data + from, at - from, match, distance);
        from = at += match;
        match = at < t->size ? longest(t, at, &distance) : 0;
    }
    token(out, t->data + from, t->size - from, 0, 0);
}

int main(int argc, char **argv) {
    struct text page = {0}, style = {0}, script = {0}, whole = {0}, packed = {0};
    if (argc < 5) return 2;
    add_file(&page, argv[2], NULL);
    add_file(&style, argv[3], "/*");
    add_z(&script, "'use strict';(()=>{\n");
    for (int i = 4; i < argc; i++) add_file(&script, argv[i], "//");
    add_z(&script, "})();");

    /* @STYLE_HASH@ and the like: a name in capitals. @TITLE@ and @DATA@ stay, for report.c. */
    for (const char *s = page.data; *s;) {
        const char *at = strchr(s, '@');
        if (!at) at = s + strlen(s);
        add(&whole, s, (size_t)(at - s));
        s = at;
        if (strncmp(s, "@STYLE_HASH@", 12) == 0) add_hash(&whole, &style), s += 12;
        else if (strncmp(s, "@SCRIPT_HASH@", 13) == 0) add_hash(&whole, &script), s += 13;
        else if (strncmp(s, "@STYLE@", 7) == 0) add(&whole, style.data, style.size), s += 7;
        else if (strncmp(s, "@SCRIPT@", 8) == 0) add(&whole, script.data, script.size), s += 8;
        else if (*s) add(&whole, s++, 1);
    }
    pack(&packed, &whole);
    FILE *f = fopen(argv[1], "wb");
    if (!f) {
        perror(argv[1]);
        return 1;
    }
    fprintf(f, "enum { page_size = %zu };\nstatic const unsigned char page_packed[%zu] = {", whole.size, packed.size);
    for (size_t i = 0; i < packed.size; i++) fprintf(f, "%s%u,", i % 24 ? "" : "\n", (unsigned char)packed.data[i]);
    fprintf(f, "\n};\n");
    free(page.data);
    free(style.data);
    free(script.data);
    free(whole.data);
    free(packed.data);
    return ferror(f) | fclose(f) ? 1 : 0;
}
