"""The room that joins the others: phases, flow, runs, reports and the command line."""
