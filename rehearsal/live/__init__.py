"""The live layer: real engines behind the emulated account's endpoints, names, logins, IAM, network and functions.

It is installed into the emulator's process after `rehearsal.extension`. Each module has one topic, a function
`install(run)`, and lists in `TOUCHES` the private names of the emulator that it uses, which a contract test checks.
"""
