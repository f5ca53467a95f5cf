"""Fine-tuning runs as other programs order them: trained, built and measured in a child process.

``order`` says what is to be done, ``process`` starts and follows the child, ``__main__`` is the
child, ``measuring`` compares what it made with what is live, ``gate`` judges the comparison.
"""
