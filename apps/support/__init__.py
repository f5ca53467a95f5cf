"""Support: the customer-service chatbot and its operators' console."""
