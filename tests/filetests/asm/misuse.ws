; Misuse of the tools ends with status 2 and a hint.
; RUN: not waveas
; RUN: not waveas -x
; RUN: not waveas a.ws b.ws
; RUN: not waveas -o
; RUN: not waveobjdump -d
; RUN: not waveobjdump x.wo
; RUN: not waveobjdump -q x.wo
; RUN: waveas --version
; RUN: waveobjdump --version
; CHECK: waveas 0.1
; CHECK: waveobjdump 0.1
; CHECK: waveas: no input
; CHECK: waveas: unknown option -x
; CHECK: waveas: more than one input: b.ws
; CHECK: waveas: -o needs a file
; CHECK: waveobjdump: no input
; CHECK: waveobjdump: one of -d -h -t -s -x -S is needed
; CHECK: waveobjdump: unknown option -q
