"""Where events of a neighbourhood were to one another, from differences of their arrival times."""
