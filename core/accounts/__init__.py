"""Who trades: people, agents, labs, operators; their keys, devices and spend limits."""
