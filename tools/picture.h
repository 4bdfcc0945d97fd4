/*
 * The top of order books as a picture in the terminal: a level a line, with a bar for its quantity.
 */
#ifndef MR_TOOLS_PICTURE_H
#define MR_TOOLS_PICTURE_H

#include <millrace/image.h>
#include <millrace/logic.h>

#include <stdint.h>

/* Draws the `books_max` instruments that traded most, `levels_max` levels a side, on standard
 * output. Draws nothing for a logic that has no books. The image stands still. */
void picture_books(const struct mr_image *image, const struct mr_logic *logic, uint32_t books_max,
                   uint32_t levels_max);

#endif
