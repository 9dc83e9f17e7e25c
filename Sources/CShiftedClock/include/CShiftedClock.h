// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

// Nothing to call: the library takes the place of functions of the C library where LD_PRELOAD names it.
