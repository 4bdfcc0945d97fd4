# shellcheck shell=bash
# What the scripts that call CMake share. Sourced from the root.

# The build folder of preset $1, as CMakePresets.json has it.
folder_of()
{
    [ "$1" = release ] && echo build || echo "build-$1"
}

# We may be called by make, whose job server is not for the make that CMake starts.
unset MAKEFLAGS MFLAGS MAKELEVEL
if command -v ninja >/dev/null; then
    export CMAKE_GENERATOR=${CMAKE_GENERATOR-Ninja}
fi
