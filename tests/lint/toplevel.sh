#!/bin/sh
# Gate: the top level holds what it may and nothing else; no tracked file names
# a package registry or a path of the machine it was written on, holds a note to
# self, or was made by a compiler.
# Needs: git; apt-get and npm are asked for their registries where they exist.
# Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

for entry in *; do
  case $entry in
  CMakeLists.txt | CMakePresets.json | README.md | LICENSE) ;;
  include | src | examples | tests | docs | build) ;;
  *) complain "$entry: does not belong at the top level" ;;
  esac
done
for entry in CMakeLists.txt CMakePresets.json README.md LICENSE; do
  [ -f "$entry" ] || complain "$entry is missing"
done

# refuse TEXT GREP-OPTION...: complains of each line that grep finds.
refuse() {
  text=$1
  shift
  files . | grep -v '^tests/lint/toplevel.sh$' | tr '\n' '\0' |
    xargs -0 grep -nI "$@" | cut -d: -f1,2 | while read -r at; do
    complain "$at: $text"
  done
}

# The hosts this machine gets packages from.
{
  apt-get indextargets --format '$(SITE)' 'Identifier: Packages' || true
  npm config get registry || true
} 2>/dev/null | sed -n 's,^[a-z+]*://\([^/@]*@\)\{0\,1\}\([^/:]*\).*,\2,p' |
  sort -u >"$tmp/hosts"
[ ! -s "$tmp/hosts" ] ||
  refuse 'names a package registry of this machine' -F -f "$tmp/hosts"

# Its folders; a parent that any machine may have says nothing.
folder=$(dirname "$PWD")
case $folder in
/ | /home | /mnt | /opt | /root | /srv | /tmp | /usr/src | /var/tmp)
  folder=$PWD ;;
esac
refuse "names $folder, a path of this machine" -E \
  "(^|[^A-Za-z0-9_./-])$folder([^A-Za-z0-9_-]|\$)"

refuse 'a note to self' -wE 'TODO|FIXME|XXX'

files '*.gch' '*.o' '*.a' '*.so' '*.orig' '*.rej' '*~' | while read -r file; do
  complain "$file:1: a generated file in the tree"
done
verdict
