"""Rows of a transformed page one by one, in the form in which the ledger keeps rows set apart."""

import orjson

from state.rows import RowEntry
from transforms.block import Block


def rows_of(phase: str, block: Block) -> list[RowEntry]:
    """Return all rows that were made, with everything that is needed to send or compare them."""
    made = []
    for table, rows in block.tables.items():
        for index, source_id in enumerate(rows.keys):
            payload = {
                "cells": rows.payloads[index].decode(),
                "parents": [*(column[index] for column in rows.parents), rows.match_keys[index]],
                "version": rows.versions[index],
                "digest": rows.digests[index],
            }
            made.append(
                RowEntry(
                    phase=phase,
                    source_id=source_id,
                    part=rows.parts[index],
                    state="pending",
                    reason="",
                    field="",
                    detail="",
                    payload=orjson.dumps(payload),
                    object=table,
                )
            )
    return made
