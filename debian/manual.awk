# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
#
# Makes a page of the parser's tool one of mdoc(7): it gives the words of the help as they are, with examples that
# must keep their lines, empty lines and quotes that begin a line. A page is named as man(1) looks for 'man pbxlink status'.
# Variable: date, such as 'November 23, 2026'.

function literal(wanted) {
  if (wanted && !isLiteral) print ".Bd -literal"
  if (!wanted && isLiteral) print ".Ed"
  isLiteral = wanted
}

/^\.Dd / { print ".Dd " date; next }
/^\.(Dt|Xr) / { gsub(/\./, "-", $2); print $1, toupper($1) == ".DT" ? toupper($2) : $2, $3 ($4 == "" ? "" : " " $4); next }
/^\.Nm "/ { command = name = $0; gsub(/^\.Nm "|"$/, "", name); gsub(/ /, "-", name); print ".Nm " name; next }
/^\.Nm$/ && command { print command; next }
/^$/ { empty = 1; next }
/^\./ { literal(0); empty = 0; print; next }
{
  isExample = /^  /
  if (empty && isLiteral && isExample) print ""
  else { literal(isExample); if (empty && !isExample) print ".Pp" }
  empty = 0
  gsub(/\\/, "\\e")
  sub(/^['.]/, "\\\\\\&&")
  print
}
