#!/bin/sh
# public.sh PROGRAM FOLDER: makes FOLDER, with a copy of a program of this tree and
# of the tree's own shared libraries that any user may run, also where the tree is
# in a folder that only its owner may enter.  Prints the command to run.
#
# Exit status: 0 done, else not.
set -eu

name=$(basename "$1")
build=$(cd "$(dirname "$1")/.." && pwd)
mkdir -m 755 "$2"
cp "$1" "$2/$name.bin"
ldd "$1" | awk -v build="$build/" 'index($3, build) == 1 { print $3 }' |
  while read -r lib; do
    cp "$lib" "$2/"
  done
cat >"$2/$name" <<END
#!/bin/sh
LD_LIBRARY_PATH=$2 exec $2/$name.bin "\$@"
END
chmod 755 "$2"/*
echo "$2/$name"
