"""What every app stands on: events, sockets, jobs, errors, the gateway to the language layer."""
