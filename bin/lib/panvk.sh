# shellcheck shell=bash disable=SC2154,SC2016
# SPDX-License-Identifier: MIT
# For bin/run and bin/test, which source it with $here set: upstream PanVK, as
# Debian's unstable packages have it for 64-bit Arm, on the render node of ours,
# on a machine of any kind.
#
#   panvk_setup            makes what is missing of all that
#   panvk_run PROGRAM...   runs one, of 64-bit Arm
#   refuse_other_processor PROGRAM LIBRARY

panvk_build=${PANSPARSE_BUILD:-$here/build}-arm64
# Their C library, loader and driver: once made, it stays as it is.
panvk_root=${PANSPARSE_PANVK_ROOT:-$here/build-panvk-root}
panvk_lib=$panvk_root/usr/lib/aarch64-linux-gnu
panvk_preload=$panvk_build/src/preload/libpansparse-drm.so

# The archive that this machine's own packages come from.
panvk_archive() {
  LC_ALL=C apt-get indextargets 'Created-By: Packages' --format '$(REPO_URI)' 2>/dev/null |
    awk '!/security/ { print; exit }'
}

panvk_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

panvk_make_root() {
  local archive new=$panvk_root.new deb
  archive=$(panvk_archive)
  [ -n "$archive" ] || { echo "pansparse: which archive has Debian's packages, apt does not tell" >&2; exit 1; }
  echo "pansparse: unpacking Debian unstable for arm64 with its PanVK into $panvk_root" >&2
  echo "pansparse: (about 90 MB to load, 600 MB on disk, a minute or two)" >&2
  rm -rf "$new"
  # It wants to be root; all that comes is the user's then.
  if ! panvk_as_root debootstrap --arch=arm64 --foreign --variant=minbase \
       --include=mesa-vulkan-drivers,vulkan-tools,libdrm-tests \
       sid "$new" "$archive" >"$new.log" 2>&1; then
    tail -n 20 "$new.log" >&2
    echo "pansparse: debootstrap failed; the whole log is $new.log" >&2
    exit 1
  fi
  panvk_as_root chown -R "$(id -u):$(id -g)" "$new"
  # No package's scripts are needed, so no process of that system either.
  for deb in "$new"/var/cache/apt/archives/*.deb; do
    dpkg-deb --extract "$deb" "$new"
    dpkg-deb --show --showformat '${Package} ${Version}\n' "$deb"
  done >"$new/versions"
  rm -f "$new"/var/cache/apt/archives/*.deb "$new.log"
  # The loader gets a file that names the driver by where it is here.
  sed "s#\"library_path\": *\"[^\"]*\"#\"library_path\": \"${panvk_lib}/libvulkan_panfrost.so\"#" \
    "$new/usr/share/vulkan/icd.d/panfrost_icd.json" >"$new/panvk_icd.json"
  mv "$new" "$panvk_root"
}

panvk_setup() {
  "$here/bin/setup" --panvk
  [ -e "$panvk_root/panvk_icd.json" ] || panvk_make_root
  "$here/bin/build" "$panvk_build" --cross-file "$here/bin/lib/aarch64.ini" \
    -Ddrm_only=true -Dwarnings_fatal=true
}

panvk_version() { # package
  awk -v package="$1" '$1 == package { print $2; exit }' "$panvk_root/versions"
}

# A library for one processor in a program for another is a line of the dynamic
# linker's, and then a program without the node.
refuse_other_processor() { # program, library
  local program machine wanted
  program=$(command -v "$1") || return 0
  [ "$(od -An -tc -N4 "$program" | tr -d ' ')" = '177ELF' ] || return 0
  machine=$(od -An -tu2 -j18 -N2 "$program")
  wanted=$(od -An -tu2 -j18 -N2 "$2")
  [ "$machine" = "$wanted" ] && return
  echo "bin/run: $1 is for another processor: --drm runs programs of this machine's, --panvk of 64-bit Arm" >&2
  exit 2
}

panvk_run() {
  refuse_other_processor "$1" "$panvk_preload"
  qemu-aarch64-static -L "$panvk_root" -E LD_PRELOAD="$panvk_preload" \
    -E VK_DRIVER_FILES="$panvk_root/panvk_icd.json" \
    -E VK_LOADER_LAYERS_DISABLE='~implicit~' "$@"
}
