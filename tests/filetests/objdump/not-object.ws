; A file that is no object.
; RUN: not waveobjdump -d %s
; CHECK: not-object.ws: error: not an object file: no ELF magic
