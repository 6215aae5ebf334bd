"""The warm parent of the command line: a process of the user with everything imported, which forks a child per run.

`client` is the command's side and imports nothing heavy; `server` is the parent, with a supervisor for each run;
`run` is what a run takes over; `snapshot` says whether a parent fits; `verbs` are `mlcraft warm status` and `stop`.
"""
