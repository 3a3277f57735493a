#include <stdlib.h>

#ifdef HAVE_ALLOCA_H
# include <alloca.h>
#elif !defined alloca
# ifdef __cplusplus
extern "C"
# endif
void *alloca(size_t);
#endif

static const struct token keywords[] = {
#include "keywords.h"
    TOKEN("if", 1),
#define OPERATOR(name) TOKEN(#name, 2),
OPERATORS
#undef OPERATOR
    TOKEN("else", 3),
};

static const double
#ifdef IEEE
powers[] = {1e16, 1e32};
#else
powers[] = {1e8};
#endif

    YY_BUFFER_STATE yy_create_buffer  (FILE *file, int size)
{
    YY_BUFFER_STATE buffer = (YY_BUFFER_STATE) malloc(size);
    if (!buffer)
        YY_FATAL_ERROR("out of memory");
    return buffer;
}

static int compare(struct scanner *scanner, int limit) {
    for (;;) {
#ifdef _WIN32
        if (seek_wide(scanner, limit))
#else
        if (seek(scanner, limit) == 0)
#endif
            break;
#ifndef SHALLOW
        limit =
#endif
            scanner->depth = limit - 1;
    }
    return limit;
}

static int
rest
 (struct scanner *scanner)
{
    return scanner->end - scanner->at;
}
