"""What programs ask the door: any analysis over any days, whole documents, and what there is to ask for."""
