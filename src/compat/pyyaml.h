/*
 * Text as a YAML scalar, as PyYAML 6 emits the value of a key in a block mapping at the top of a
 * document: yaml.dump({"key": text}) with its defaults (width 80, ASCII only).
 */
#ifndef SPILE_COMPAT_PYYAML_H
#define SPILE_COMPAT_PYYAML_H

#include "base/span.h"

/* Bytes that pyyaml_put may write for `len` bytes of text. */
#define PYYAML_MAX(len) (6 * (len) + 64)

/* Writes a space and the scalar behind "key:". `text` is well-formed UTF-8; `column` is how many
 * characters stand on the line already. Returns the byte behind the last. */
char *pyyaml_put(char *p, struct span text, unsigned column);

#endif
