/* version.h - the version of the library (semantic versioning) and of its binary interface. */
#ifndef INLAY_VERSION_H
#define INLAY_VERSION_H

#define INLAY_VERSION_MAJOR 0
#define INLAY_VERSION_MINOR 1
#define INLAY_VERSION_PATCH 0
#define INLAY_VERSION_STRING "0.1.0"

/* Grows by one whenever a program built against an older inlay.h would no longer work. */
#define INLAY_ABI_VERSION 2

#endif /* INLAY_VERSION_H */
