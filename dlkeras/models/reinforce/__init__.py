"""Agents that play: tables of action values, Q-networks, actor-critics. Observations in, values of actions out."""
