----------------------------- MODULE JobLedger -----------------------------
(* The write-ahead job ledger and Salesforce, in the code's own names.

   One phase whose rows carry no key, the hard case: Salesforce cannot refuse a second copy. `batch`,
   `job`, `loose`, `failed`, `crosswalk`, `gate` are the ledger and survive a crash; `pc` and `seen`
   are the process. It may die between any two actions, MaxCrashes times in all; a call's reply
   may be lost or its effect come late, MaxFaults times; an ended job may be forgotten by Salesforce,
   MaxGone times; a row may be refused but worth another try, MaxAgain times.

   Not here: what a row holds, its key, versions, twins, several lanes at once, time. The Python
   machine (tests/property/test_ledger_machine.py) has them.

   Three constants break the code on purpose; TLC must refute each:
   ResendBlindly  resume takes a job that may be closed for one that never ran
   NeverAsk       what the results do not tell of is sent again without asking Salesforce for it
   EagerGate      the gate does not wait for the rows that are to be sent again *)
EXTENDS Naturals, FiniteSets

CONSTANTS Slots, MaxCrashes, MaxFaults, MaxGone, MaxAgain,
          ResendBlindly, NeverAsk, EagerGate

VARIABLES batch, job, loose, failed, crosswalk, gate, child, \* child: what depends on the phase is sent
          pc, seen,
          sf, made, late,  \* Salesforce's jobs; copies of each row; closes that are still on their way
          crashes, faults, gone, again

vars == <<batch, job, loose, failed, crosswalk, gate, child, pc, seen, sf, made, late,
          crashes, faults, gone, again>>
ledger == <<batch, job, loose, failed, crosswalk, gate, child>>
remote == <<sf, made, late>>
budget == <<crashes, faults, gone, again>>

Batches == {"a"}
Rows == {<<"a", 1>>, <<"a", 2>>}
NoSlot == 0
NoBatch == "none"
RowsOf(b) == {r \in Rows : r[1] = b}
Unsettled == {"intent", "created", "uploaded", "closed", "finished"}
Ended == {"JobComplete", "Failed", "Aborted"}
Mine == sf[job.sf]
NoJob == [state |-> "abandoned", sf |-> NoSlot, rows |-> {}, batch |-> NoBatch]
NoSf == [state |-> "gone", rows |-> {}, done |-> {}, refused |-> {}]

Init ==
    /\ batch = [b \in Batches |-> "unread"] /\ job = NoJob
    /\ loose = {} /\ failed = {} /\ crosswalk = {} /\ gate = FALSE /\ child = FALSE
    /\ pc = "start" /\ seen = NoSlot
    /\ sf = [k \in Slots |-> NoSf] /\ made = [r \in Rows |-> 0] /\ late = {}
    /\ crashes = 0 /\ faults = 0 /\ gone = 0 /\ again = 0

(* ---- the process -------------------------------------------------------------------------- *)

Go(to) == pc' = to
Note(state) == job' = [job EXCEPT !.state = state]
Fault == faults < MaxFaults /\ faults' = faults + 1 /\ UNCHANGED <<crashes, gone, again>>

Seal(b) == \* sealer: batch file, batch and cursor in one transaction
    /\ pc # "start" /\ batch[b] = "unread"
    /\ batch' = [batch EXCEPT ![b] = "sealed"]
    /\ UNCHANGED <<job, loose, failed, crosswalk, gate, child, pc, seen, remote, budget>>

Take(rows, b) ==
    /\ job' = [state |-> "intent", sf |-> NoSlot, rows |-> rows, batch |-> b]
    /\ Go("create")
    /\ UNCHANGED <<failed, crosswalk, gate, child, seen, remote, budget>>

Intend == \* the job's intent, its batches taken, its loose rows assigned
    /\ pc = "idle"
    /\ \/ \E b \in Batches :
            /\ batch[b] = "sealed"
            /\ batch' = [batch EXCEPT ![b] = "taken"]
            /\ Take(RowsOf(b), b) /\ UNCHANGED loose
       \/ /\ \A b \in Batches : batch[b] = "done"
          /\ loose # {} /\ Take(loose, NoBatch) /\ loose' = {} /\ UNCHANGED batch

Free(k) == sf[k].state \in Ended \cup {"gone"} /\ k # job.sf /\ k \notin late
Open(k) == sf' = [sf EXCEPT ![k] = [state |-> "Open", rows |-> {}, done |-> {}, refused |-> {}]]

Create == \* POST; the reply may be lost: an orphan
    /\ pc = "create"
    /\ \E k \in Slots :
        /\ Free(k) /\ Open(k)
        /\ \/ seen' = k /\ Go("created") /\ UNCHANGED budget
           \/ Fault /\ UNCHANGED <<pc, seen>>
    /\ UNCHANGED <<ledger, made, late>>

NoteCreated ==
    /\ pc = "created" /\ job' = [job EXCEPT !.state = "created", !.sf = seen] /\ Go("upload")
    /\ UNCHANGED <<batch, loose, failed, crosswalk, gate, child, seen, remote, budget>>

Upload == \* PUT; in doubt, the job is aborted (or not even that) and made anew
    /\ pc = "upload"
    /\ \/ /\ Mine.state = "Open" /\ sf' = [sf EXCEPT ![job.sf].rows = job.rows]
          /\ Go("uploaded") /\ UNCHANGED <<job, budget>>
       \/ /\ Mine.state = "Open" /\ Fault
          /\ \E had \in {{}, job.rows}, state \in {"Open", "Aborted"} :
                sf' = [sf EXCEPT ![job.sf].rows = had, ![job.sf].state = state]
          /\ job' = [job EXCEPT !.state = "intent", !.sf = NoSlot] /\ Go("create")
       \/ /\ Mine.state = "gone"
          /\ job' = [job EXCEPT !.state = "intent", !.sf = NoSlot] /\ Go("create")
          /\ UNCHANGED <<sf, budget>>
    /\ UNCHANGED <<batch, loose, failed, crosswalk, gate, child, seen, made, late>>

NoteUploaded ==
    /\ pc = "uploaded" /\ Note("uploaded") /\ Go("close")
    /\ UNCHANGED <<batch, loose, failed, crosswalk, gate, child, seen, remote, budget>>

Close == \* PATCH, settled by reading the job; a lost one may still be on its way
    /\ pc = "close"
    /\ \/ /\ Mine.state = "Open" /\ sf' = [sf EXCEPT ![job.sf].state = "InProgress"]
          /\ Go("closed") /\ UNCHANGED <<late, budget>>
       \/ /\ Mine.state = "Open" /\ Fault /\ late' = late \cup {job.sf} /\ UNCHANGED <<pc, sf>>
       \/ /\ Mine.state # "Open" /\ Go("closed") /\ UNCHANGED <<sf, late, budget>>
    /\ UNCHANGED <<ledger, seen, made>>

NoteClosed ==
    /\ pc = "closed" /\ Note("closed") /\ Go("wait")
    /\ UNCHANGED <<batch, loose, failed, crosswalk, gate, child, seen, remote, budget>>

Made(rows) == {r \in rows : made[r] > 0}
Traces == Made(job.rows) \ crosswalk # {} \* the content match, asked of Salesforce itself

GiveBack(to) == \* one transaction: batches and loose rows wait again
    /\ job' = [NoJob EXCEPT !.state = "abandoned"]
    /\ batch' = IF job.batch = NoBatch THEN batch ELSE [batch EXCEPT ![job.batch] = "sealed"]
    /\ loose' = IF job.batch = NoBatch THEN loose \cup job.rows ELSE loose
    /\ Go(to)

Finish ==
    /\ pc = "wait" /\ Mine.state \in Ended \cup {"gone"}
    /\ IF /\ Mine.state \in {"Failed", "Aborted"} /\ Mine.done \cup Mine.refused = {}
          /\ (NeverAsk \/ ~Traces)
       THEN GiveBack("idle")
       ELSE Note("finished") /\ Go("read") /\ UNCHANGED <<batch, loose>>
    /\ UNCHANGED <<failed, crosswalk, gate, child, seen, remote, budget>>

Learn == \* a part of the successes becomes durable before the job is ended
    /\ pc = "read"
    /\ \E some \in SUBSET Mine.done : crosswalk' = crosswalk \cup some
    /\ Go("learned")
    /\ UNCHANGED <<batch, job, loose, failed, gate, child, seen, remote, budget>>

Harvest == \* one transaction; what the results do not tell for certain is asked for first
    /\ pc = "learned"
    /\ LET told == IF Mine.state = "gone" THEN {} ELSE Mine.done \cup Mine.refused
           refused == IF Mine.state = "gone" THEN {} ELSE Mine.refused
           found == IF NeverAsk THEN {} ELSE Made(job.rows \ told)
           brought == (IF Mine.state = "gone" THEN {} ELSE Mine.done) \cup found
           untold == job.rows \ (told \cup found \cup crosswalk)
       IN \E retried \in SUBSET (refused \ crosswalk) :
            /\ again + Cardinality(retried) <= MaxAgain
            /\ again' = again + Cardinality(retried)
            /\ crosswalk' = crosswalk \cup brought
            /\ failed' = failed \cup (refused \ retried)
            /\ loose' = loose \cup retried \cup untold
    /\ batch' = IF job.batch = NoBatch THEN batch ELSE [batch EXCEPT ![job.batch] = "done"]
    /\ job' = [NoJob EXCEPT !.state = "harvested"]
    /\ Go("idle")
    /\ UNCHANGED <<gate, child, seen, remote, crashes, faults, gone>>

CloseGate ==
    /\ pc = "idle" /\ ~gate /\ (EagerGate \/ loose = {})
    /\ \A b \in Batches : batch[b] = "done"
    /\ gate' = TRUE
    /\ UNCHANGED <<batch, job, loose, failed, crosswalk, child, pc, seen, remote, budget>>

SendChild ==
    /\ gate /\ ~child /\ pc = "idle" /\ child' = TRUE
    /\ UNCHANGED <<batch, job, loose, failed, crosswalk, gate, pc, seen, remote, budget>>

(* ---- resume: adopt what an earlier process left ---------------------------------------------- *)

MaybeClosed == job.state \in {"uploaded", "closed", "finished"}
Adopted == job' = [job EXCEPT !.state = IF @ = "finished" THEN "finished" ELSE "closed"]

Resume ==
    /\ pc = "start"
    /\ CASE job.state \notin Unsettled -> Go("idle") /\ UNCHANGED <<batch, job, loose>>
         [] job.state = "intent" -> GiveBack("idle") \* orphans are left to expire, at worst
         [] ResendBlindly /\ job.state \in {"created", "uploaded"} -> GiveBack("idle")
         [] OTHER -> Go("adopt") /\ UNCHANGED <<batch, job, loose>>
    /\ UNCHANGED <<failed, crosswalk, gate, child, seen, remote, budget>>

Adopt == \* reads the job; an open one is aborted in the next step, as the reading may be old by then
    /\ pc = "adopt"
    /\ CASE Mine.state = "Open" -> Go("abort") /\ UNCHANGED <<batch, job, loose>>
         [] Mine.state \in {"gone", "Aborted"} /\ ~MaybeClosed -> GiveBack("start")
         [] OTHER -> Adopted /\ Go("wait") /\ UNCHANGED <<batch, loose>>
    /\ UNCHANGED <<failed, crosswalk, gate, child, seen, remote, budget>>

Abort == \* whatever it finds by now; rows that are committed stay
    /\ pc = "abort" /\ Go("adopt-again")
    /\ \/ /\ sf' = [sf EXCEPT ![job.sf].state =
                        IF @ \in {"Open", "InProgress"} THEN "Aborted" ELSE @]
          /\ UNCHANGED budget
       \/ Fault /\ UNCHANGED sf
    /\ UNCHANGED <<ledger, seen, made, late>>

AdoptAgain ==
    /\ pc = "adopt-again"
    /\ CASE Mine.state = "Open" -> Go("abort") /\ UNCHANGED <<batch, job, loose>>
         [] Mine.state \in {"gone", "Aborted"} /\ ~MaybeClosed -> GiveBack("start")
         [] OTHER -> Adopted /\ Go("wait") /\ UNCHANGED <<batch, loose>>
    /\ UNCHANGED <<failed, crosswalk, gate, child, seen, remote, budget>>

(* ---- Salesforce, and death ----------------------------------------------------------------- *)

Make(r) == made' = [made EXCEPT ![r] = @ + 1]

Work(k) == \* row after row; a job may fail in between, and then hide one row that it has made
    /\ sf[k].state = "InProgress"
    /\ LET left == sf[k].rows \ (sf[k].done \cup sf[k].refused)
       IN IF left = {}
          THEN sf' = [sf EXCEPT ![k].state = "JobComplete"] /\ UNCHANGED <<made, budget>>
          ELSE LET r == CHOOSE each \in left : TRUE
               IN \/ sf' = [sf EXCEPT ![k].done = @ \cup {r}] /\ Make(r) /\ UNCHANGED budget
                  \/ sf' = [sf EXCEPT ![k].refused = @ \cup {r}] /\ UNCHANGED <<made, budget>>
                  \/ /\ Fault /\ sf' = [sf EXCEPT ![k].state = "Failed"]
                     /\ (UNCHANGED made \/ Make(r))
    /\ UNCHANGED <<ledger, pc, seen, late>>

LateClose(k) ==
    /\ k \in late /\ late' = late \ {k}
    /\ sf' = [sf EXCEPT ![k].state = IF @ = "Open" THEN "InProgress" ELSE @]
    /\ UNCHANGED <<ledger, pc, seen, made, budget>>

Expire(k) == \* orphans after a day; results after seven
    /\ \/ sf[k].state = "Open" /\ k # job.sf /\ k # seen /\ UNCHANGED gone
       \/ /\ sf[k].state \in Ended \cup {"Open"} /\ k = job.sf
          /\ gone < MaxGone /\ gone' = gone + 1
    /\ sf' = [sf EXCEPT ![k] = NoSf]
    /\ UNCHANGED <<ledger, pc, seen, made, late, crashes, faults, again>>

Crash ==
    /\ pc # "start" /\ crashes < MaxCrashes /\ crashes' = crashes + 1
    /\ pc' = "start" /\ seen' = NoSlot
    /\ UNCHANGED <<ledger, remote, faults, gone, again>>

Process == \/ \E b \in Batches : Seal(b)
           \/ Intend \/ Create \/ NoteCreated \/ Upload \/ NoteUploaded \/ Close \/ NoteClosed
           \/ Finish \/ Learn \/ Harvest \/ CloseGate \/ SendChild
           \/ Resume \/ Adopt \/ Abort \/ AdoptAgain
Salesforce == \E k \in Slots : Work(k) \/ LateClose(k) \/ Expire(k)
Next == Process \/ Salesforce \/ Crash
Spec == Init /\ [][Next]_vars /\ WF_vars(Process) /\ WF_vars(Salesforce)

(* ---- what is promised ---------------------------------------------------------------------- *)

NothingTwice == \A r \in Rows : made[r] <= 1
Somewhere(r) == \/ r \in crosswalk \cup failed \cup loose
                \/ \E b \in Batches : r \in RowsOf(b) /\ batch[b] # "done"
                \/ r \in job.rows /\ job.state \in Unsettled
NothingLost == \A r \in Rows : Somewhere(r)
Balanced == /\ \A r \in Rows : r \in crosswalk <=> made[r] > 0
            /\ crosswalk \cup failed = Rows /\ crosswalk \cap failed = {}
GateNeverEarly == gate \/ child => Balanced
Ends == <>child
=============================================================================
