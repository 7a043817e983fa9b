"""Cutover: the last look at the queues, the freeze, the proof, the verdict, the sealed report."""
