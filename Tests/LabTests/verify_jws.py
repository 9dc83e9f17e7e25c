# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""Verifies what `pbxlink descriptor export --json` printed with joserfc; prints the payload, or fails."""

import json
import sys

from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OKPKey

for entry in json.load(sys.stdin):
    key = OKPKey.import_key(entry["jwk"])
    try:
        verified = jws.deserialize_compact(entry["jws"], key, algorithms=["EdDSA", "Ed25519"])
    except BadSignatureError as error:
        sys.exit(f"refused: {error}")
    if verified.headers()["kid"] != key.thumbprint():
        sys.exit("kid is not the thumbprint of the key")
    print(json.dumps(json.loads(verified.payload)))
