"""Why a row is held or failed, said plainly, with what to do. Codes are stable."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """The plain cause of a reason code, and the fix."""

    cause: str
    fix: str


PARENT_MISSING = "parent-missing"  # a row that waits for its parent
REASONS: dict[str, Reason] = {
    "user-unmatched": Reason(
        "No Salesforce user has this user's mail address.",
        "Make the user in Salesforce and run users sync, or choose one with users assign.",
    ),
    "user-ambiguous": Reason(
        "Several Salesforce users have this user's mail address; the row names them by id.",
        "Choose one with users assign; nothing is guessed.",
    ),
    "user-inactive": Reason(
        "The only Salesforce user of this address is inactive, and may own no records here.",
        "Grant Update Records with Inactive Owners, or choose another user with users assign.",
    ),
    "user-open": Reason(
        "The record names a Kustomer user who has no Salesforce user yet.",
        "Settle the user (users list); the next migrate sends the record by itself.",
    ),
    "no-match": Reason(
        "No Salesforce record has this mail address or name.",
        "Make the queue in Salesforce and run retry, or let the map make it.",
    ),
    "several-matches": Reason(
        "More than one Salesforce record has this mail address or name.",
        "Make the value unique in Salesforce; nothing is guessed.",
    ),
    "ambiguous-match": Reason(
        "Several records in Salesforce could be this one: the row names them.",
        "Say which: deskferry matches choose, or deskferry matches make for a new one.",
    ),
    "match-taken": Reason(
        "The one record in Salesforce that fits stands for another record of Kustomer already.",
        "Say so: deskferry matches choose lets both be that one, deskferry matches make makes a new one.",
    ),
    PARENT_MISSING: Reason(
        "The record's parent is not in Salesforce, because it was held, failed or deleted.",
        "Settle the parent first, then run retry: it takes both, parents before children.",
    ),
    "outside-plan": Reason(
        "The plan leaves the record out, or the conversation or customer that it belongs to.",
        "Nothing, or widen the plan (deskferry plan set) and run migrate.",
    ),
    "later": Reason(
        "The conversation is neither open nor recent: its turn comes with the last stage.",
        "Run migrate to its end.",
    ),
    "parent-gone": Reason(
        "The record that it belongs to was deleted in Kustomer, so the reference stays empty.",
        "Nothing, or `gone: hold` in the map's line; the id is kept with the other raw values.",
    ),
    "too-long": Reason(
        "A value is longer than its field, and the map names no field for the whole.",
        "Give the line a `keep` field or `bad: keep` in the map, or lengthen the field.",
    ),
    "unknown-value": Reason(
        "A value is not in the line's value map, and there is no default.",
        "Add the value to the map.",
    ),
    "changed": Reason(
        "The record came out differently than it is in Salesforce.",
        "Nothing: migrate sends what differs.",
    ),
    "conflict": Reason(
        "Somebody changed the record in Salesforce after our last write, and it differs in these fields.",
        "Look at the record in both; what is in Salesforce is kept.",
    ),
    "bears-others": Reason(
        "The record was deleted in Kustomer, and Salesforce would delete others along with it that live.",
        "Move or delete those in Salesforce; the next sweep deletes it then. Or delete it by hand.",
    ),
    "redacted": Reason(
        "The message was redacted in Kustomer.",
        "Nothing: migrate or delta deletes the e-mail and makes it anew without the text.",
    ),
    "moved": Reason(
        "The message belongs to another conversation now, or hangs on an e-mail that is made anew.",
        "Nothing: migrate or delta makes it anew where it belongs.",
    ),
    "cannot-change": Reason(
        "Salesforce does not let these fields be changed once the record is made.",
        "Nothing can be sent; what was sent first stays. E-mails of merged conversations follow by "
        "delta.merged_messages: anew.",
    ),
    "gone-in-salesforce": Reason(
        "The record was deleted in Salesforce, so it cannot follow its source.",
        "Nothing, if that was meant; it is not made again.",
    ),
    "becomes-contact": Reason(
        "The record is a Lead in Salesforce, and its customer is to be a Contact now.",
        "Nothing: migrate makes the Contact, or follows the Lead to it.",
    ),
    "kept-as-contact": Reason(
        "The record is a Contact in Salesforce, and its customer would be a Lead now.",
        "Nothing: a Contact is never made a Lead. Delete or change it in Salesforce if that is meant.",
    ),
    "mark-missing": Reason(
        "The Lead of a customer that became a Contact cannot be marked: the field is not there.",
        "Name it in the map (`retired: Kustomer_Contact__c` under Lead, and under `create`), confirm the "
        "map and run schema deploy; or set transitions.retire in the config. Then run retry.",
    ),
    "unknown-tag": Reason(
        "The record has a tag of which Kustomer gives no name.",
        "Run retry, which reads the tags anew, or let the line keep the id (`unknown: keep`).",
    ),
    "too-many-values": Reason(
        "There are more values than the field holds: one, or 100 of a multi-select picklist.",
        "Correct it in Kustomer, or map the line to a text with converter join; tags can become topics "
        "(`map propose --tags topics`).",
    ),
    "no-name": Reason(
        "The record has no name, and it is known by its name.", "Name it in Kustomer."
    ),
    "invalid-combination": Reason(
        "A value of a dependent picklist does not go with the value of the field it depends on.",
        "Correct the record or the value maps of both lines, or let the org allow the pair.",
    ),
    "other-currency": Reason(
        "An amount is in another currency than its field.",
        "Give the line `multi: true` and a line for CurrencyIsoCode, or correct it in Kustomer.",
    ),
    "ambiguous-currency": Reason(
        "The sign of an amount stands for several currencies.",
        "Say under the line's `symbols` or `currency` which one is meant.",
    ),
    "bad-email": Reason("A value is no mail address.", "Correct it in Kustomer."),
    "bad-phone": Reason("A value is no phone number.", "Correct it in Kustomer."),
    "bad-url": Reason("A value is no link.", "Correct it in Kustomer."),
    "bad-path": Reason("A path in a tree has an empty step.", "Correct it in Kustomer."),
    "unknown-user": Reason(
        "No Kustomer user, or more than one, has this mail address.",
        "Correct it in Kustomer, or give the line a `bad` rule.",
    ),
    "function-failed": Reason(
        "The map's own function ended with an exception, or answered with something else than text.",
        "Correct the function, confirm the map again, then run retry.",
    ),
    "no-id": Reason("The source gave a record without an id.", "Report it to Kustomer support."),
    "bad-id": Reason(
        "The record's id holds characters that no id has.", "Report it to Kustomer support."
    ),
    "bad-reference": Reason(
        "The id of a parent holds characters that no id has.", "Report it to Kustomer support."
    ),
    "no-parent": Reason(
        "The record names no parent, and the map wants one.",
        "Correct it in Kustomer, or take `absent: hold` out of the map's line.",
    ),
    "out-of-range": Reason(
        "A number is larger than its field.", "Correct the value, or choose a longer field."
    ),
    "row-too-long": Reason(
        "The whole row is longer than Salesforce takes.",
        "Take long fields out of the map, or shorten the values in Kustomer.",
    ),
    "unmappable": Reason(
        "The record has a form that nobody foresaw.", "Report the record's id to support."
    ),
    "gone-in-kustomer": Reason(
        "The record had to be read again, and Kustomer no longer has it.",
        "Nothing: it was deleted there. It stays listed, so that the books balance.",
    ),
    "split-changed": Reason(
        "The map splits the text otherwise than the parts that are in Salesforce already.",
        "Put the earlier `split` back into the map, then run retry.",
    ),
    "no-attributes": Reason(
        "The source gave a record without attributes.", "Report it to Kustomer support."
    ),
    "wrong-type": Reason(
        "A value is of another type than its line expects.", "Correct the value or the line."
    ),
    "bad-date": Reason("A date cannot be read or is out of range.", "Correct it in Kustomer."),
    "bad-text": Reason("A text is no valid Unicode.", "Correct it in Kustomer."),
    "ambiguous-number": Reason(
        "A number can be read in two ways (1,234 is a thousand, or one and a bit).",
        "Correct it in Kustomer, or map the line to a text field.",
    ),
    "not-a-number": Reason("A value is no number.", "Correct it in Kustomer."),
    "same-match-key": Reason(
        "Another record with the same match key is on its way.", "Nothing: it is settled by itself."
    ),
    "not-processed": Reason("The job ended before this row.", "Nothing: it is sent again."),
    "outcome-unknown": Reason(
        "The job did not tell of this row, and Salesforce does not have it.",
        "Nothing: it is sent again.",
    ),
    "in-recycle-bin": Reason(
        "The record was made before, and lies in Salesforce's recycle bin.",
        "Restore it or empty the bin, then send the row again.",
    ),
    "REQUIRED_FIELD_MISSING": Reason(
        "Salesforce requires a field that the row lacks.", "Give the field a default in the map."
    ),
    "INSUFFICIENT_ACCESS_OR_READONLY": Reason(
        "Salesforce lets the running user not write this: a permission is lacking, or the record is "
        "read-only.",
        "Run deskferry check, which names permissions that the map needs (relations of e-mails need "
        "Update Email Messages); grant them, then run retry.",
    ),
    "STRING_TOO_LONG": Reason("A value is longer than its field.", "Adjust the map."),
    "INVALID_EMAIL_ADDRESS": Reason("Salesforce refuses a mail address.", "Correct the address."),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Reason(
        "A validation rule of the org refused the row.",
        "Exempt the running user from the rule during the migration.",
    ),
    "DUPLICATES_DETECTED": Reason(
        "A duplicate rule refused the row; deskferry trace names records with its address or name.",
        "Exempt the running user from the rule, or let `match_by` find the record, then run retry.",
    ),
    "UNABLE_TO_LOCK_ROW": Reason(
        "The parent was locked each time the row was sent.", "Send the row again when it is quiet."
    ),
}


def reason_text(code: str) -> Reason:
    """The plain words for a reason; Salesforce's own code where we have none."""
    return REASONS.get(
        code,
        Reason(
            f"Salesforce refused the row ({code}).", "Look the code up, or ask the org's admin."
        ),
    )
