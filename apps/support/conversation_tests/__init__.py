"""Written conversations that the bot must hold, played through everything that answers."""
