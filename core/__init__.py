"""The ground: what every package needs and nothing that belongs to one."""
