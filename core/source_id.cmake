# SPDX-License-Identifier: MIT
#
# cmake -DROOT=core -DOUT=FILE -P source_id.cmake: a constant that names the source of the
# core.  Where points stand decides what a schedule means, so a token of one source is
# nothing to another; builds of the same source share them.

file(GLOB files LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/*/*.c ${ROOT}/*/*.h)
list(SORT files)
set(all "")
foreach(file ${files})
	file(SHA256 ${ROOT}/${file} hash)
	string(APPEND all "${file} ${hash}\n")
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING ${id} 0 8 id)
file(WRITE ${OUT} "#include \"ops/replay_token.h\"\n\nconst char replay_source_id[] = \"${id}\";\n")
