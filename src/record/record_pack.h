/* SPDX-License-Identifier: MIT */
/*
 * How numbers and blocks of memory are written into a recording.
 *
 * A number is LEB128: seven bits a byte, the lowest first. A signed one is folded
 * first, so that small ones of both signs are short.
 *
 * A block is a sequence of little-endian 8-byte words, the last one filled up with
 * zeroes. Of each word the difference to a predicted one is written, folded, in as many
 * bytes as it has: two words take a byte with their two lengths (low nibble: the
 * first's), then their bytes. What is predicted is the word @stride_B before, or the same
 * word of another block; else zero. Arrays of structs that differ in little become
 * a few bytes an element.
 */
#ifndef RECORD_PACK_H
#define RECORD_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_NUMBER_MAX_B 10u

/* Where something is written: there must be room. */
uint8_t *record_put_number(uint8_t *at, uint64_t value);
uint8_t *record_put_signed(uint8_t *at, int64_t value);

/* A block takes up to 17 bytes for 16; while it is written, so many behind it. */
#define RECORD_BLOCK_SLACK_B 32u

/*
 * @like: a block of the same size that predicts, or NULL: then @stride_B, a multiple
 * of 16, does, or nothing where it is 0.
 */
uint8_t *record_put_block(uint8_t *at, const void *bytes, size_t size_B,
                          const void *like, size_t stride_B);

/* What is read: *@at moves on. False: it ends too early, or is no number. */
struct record_cursor {
   const uint8_t *at, *end;
};
bool record_get_number(struct record_cursor *cursor, uint64_t *value_out);
bool record_get_signed(struct record_cursor *cursor, int64_t *value_out);
bool record_get_block(struct record_cursor *cursor, void *bytes_out,
                      size_t size_B, const void *like, size_t stride_B);

/*
 * Tells whether a fragment is what was written, its first word @head and the @size_B
 * bytes of its payload; no protection against intent.
 */
uint32_t record_check(uint32_t head, const uint8_t *payload, size_t size_B);

#endif /* RECORD_PACK_H */
