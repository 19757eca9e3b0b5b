#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0
#
# Builds the driver as a module, with warnings as errors, against the newest
# packaged kernel headers: a test that it is written to the kernel's API and
# nothing else. In a copy, since the kernel's build writes next to the sources.
#
#	build.sh SOURCE_ROOT
set -eu

echo 1..1

# The oldest API that the driver is written to.
headers=
for dir in /lib/modules/*/build /usr/src/linux-headers-*; do
	release=$(cat "$dir/include/config/kernel.release" 2>/dev/null) || continue
	case $release in
	6.12.*) headers=$dir ;;
	esac
done
if [ -z "$headers" ] || ! grep -q '^CONFIG_DRM=[ym]' "$headers/.config"; then
	echo "ok 1 # SKIP no Linux 6.12 headers are installed"
	exit 0
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/src" "$copy/include"
cp -R "$1/src/panthor" "$copy/src/"
cp -R "$1/include/drm-uapi" "$copy/include/"

if make -C "$headers" M="$copy/src/panthor" KCFLAGS="-Wextra -Wno-unused-parameter \
-Wno-missing-field-initializers -Wno-sign-compare -Wno-type-limits -Wno-override-init -Werror" \
	modules >"$copy/log" 2>&1; then
	echo "ok 1 - builds against ${headers##*/}"
else
	sed 's/^/# /' "$copy/log"
	echo "not ok 1 - builds against ${headers##*/}"
fi
