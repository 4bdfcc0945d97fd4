/* <millrace/millrace.h>: everything an embedder needs. */
#ifndef MILLRACE_MILLRACE_H
#define MILLRACE_MILLRACE_H

#include <millrace/book.h>
#include <millrace/book_queries.h>
#include <millrace/catalog.h>
#include <millrace/clock.h>
#include <millrace/engine.h>
#include <millrace/image.h>
#include <millrace/ledger.h>
#include <millrace/ledger_queries.h>
#include <millrace/log.h>
#include <millrace/logic.h>
#include <millrace/text.h>

#endif
